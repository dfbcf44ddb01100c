import type * as pulumi from "@pulumi/pulumi";
import { createRequire } from "module";
import { join } from "path";
import { PACKAGE_VERSION } from "./package-version";

/** The file that the state's code loads. A path of its own name, for that is all that every package manager resolves. */
const ENTRY = "peer-relay/dist/components/dynamic-providers.js";

/** Whether this is the compiled package; the repository's own stack program runs its source, which has no ENTRY. */
const COMPILED = __filename.endsWith(".js");

/**
 * An input of the dynamic resources: another value is an update, which brings its code into the state. Pulumi runs them
 * with the code that the state holds. That of the compiled package only loads the package, whichever version is
 * installed, and a new version is no update; raise its number when {@link codeForState} changes. That of the source is
 * the source itself, so it changes with every version.
 */
export const CODE_VERSION = COMPILED ? "by-name-1" : PACKAGE_VERSION;

/**
 * The provider as it goes into the state. Left alone, Pulumi writes our functions into it, and for every file of ours
 * that they use a `require` of where the package manager put it: internal paths, with version and hash (npm's linked
 * layout, yarn's pnpm linker), that are gone after the next update, so that `refresh` and `destroy` fail; or, in a
 * linked folder, our dependencies by names that the user's project cannot resolve. Instead each method loads the
 * package by its name, from the program's directory, when it is called.
 * @param kind its key in dynamic-providers.ts
 */
export function codeForState<Inputs, Outputs>(
  kind: string,
  provider: pulumi.dynamic.ResourceProvider<Inputs, Outputs>,
): pulumi.dynamic.ResourceProvider<Inputs, Outputs> {
  if (!COMPILED) return provider;
  const methods = Object.keys(provider).map((method) => [method, callByName(kind, method)]);
  return Object.fromEntries(methods) as pulumi.dynamic.ResourceProvider<Inputs, Outputs>;
}

/* eslint-disable @typescript-eslint/no-require-imports -- it runs far from here, where only the name is known */
/** The providers of the package that is installed where this runs. It goes into the state, with all that it refers to. */
function installedProviders(entry: string) {
  try {
    return require(entry);
  } catch (error) {
    const plain = new Error(
      "this resource needs the package peer-relay, also to be deleted: install it in the program's directory, and " +
        `uninstall it only when its resources are gone (${(error as Error).message.split("\n")[0]})`,
    );
    // Pulumi prints it behind the message.
    plain.stack = "";
    throw plain;
  }
}
/* eslint-enable */

function callByName(kind: string, method: string) {
  const entry = ENTRY;
  return function (this: unknown, ...args: unknown[]): unknown {
    return installedProviders(entry)[kind][method].apply(this, args);
  };
}

/** What Pulumi runs programs with, in their directory. */
const BY_LANGUAGE_HOST = /@pulumi[\\/]pulumi[\\/]cmd[\\/]run/;

/**
 * Checks that the code of {@link codeForState} will find this package from the program's directory, which is where Pulumi
 * starts the provider process. It will not when the package is only a dependency of a dependency and the package
 * manager keeps those apart (pnpm, Plug'n'Play). An Automation API program's own directory says nothing about that of
 * the provider process, so there it is not checked.
 * @throws Error before any resource exists
 */
export function checkProviderCode(): void {
  if (!COMPILED || !BY_LANGUAGE_HOST.test(process.argv[1] ?? "")) return;
  const directory = process.cwd();
  const add = `add peer-relay ${PACKAGE_VERSION} to the dependencies in the program's package.json`;
  let found: string;
  try {
    const requireThere = createRequire(join(directory, "index.js"));
    requireThere.resolve(ENTRY);
    found = (requireThere("peer-relay/package.json") as { version: string }).version;
  } catch (error) {
    throw new Error(
      `peer-relay is not among what ${directory} may load, and Pulumi runs its dynamic resources there: ${add}, also ` +
        "where another package brings it; pnpm and yarn's Plug'n'Play let a program load its own dependencies only " +
        `(${(error as Error).message.split("\n")[0]})`,
    );
  }
  if (found === PACKAGE_VERSION) return;
  throw new Error(
    `Pulumi would run this package's dynamic resources with the peer-relay ${found} that ${directory} has, but their ` +
      `program uses peer-relay ${PACKAGE_VERSION} (${__dirname}): ${add}`,
  );
}

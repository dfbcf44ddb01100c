import { equalAsSets, flag, number, object, text, texts, type Kind, type Props } from "../host";
import { HttpError, type Tailscale } from "./client";

const NINETY_DAYS_S = 7_776_000;

/**
 * An auth key. As in the real provider every change makes a new key, and so does a key that has become invalid (expired,
 * revoked, used up) unless `recreateIfInvalid` is `never`; by default only reusable keys are made again.
 */
export const tailnetKey: Kind<Tailscale> = {
  inputs: [
    "description",
    "ephemeral",
    "expiry",
    "preauthorized",
    "recreateIfInvalid",
    "reusable",
    "tags",
    "userId",
  ],
  defaults: {
    description: "",
    ephemeral: false,
    expiry: NINETY_DAYS_S,
    preauthorized: false,
    recreateIfInvalid: "",
    reusable: false,
  },
  replaceOn: ["description", "ephemeral", "expiry", "preauthorized", "reusable", "tags", "userId"],
  chosen: ["userId"],
  outputs: ["createdAt", "expiresAt", "invalid", "key"],
  same: { tags: equalAsSets },
  validate(inputs) {
    const allowed = ["", "always", "never"];
    const given = inputs["recreateIfInvalid"];
    if (typeof given !== "string" || allowed.includes(given)) return [];
    return [
      {
        property: "recreateIfInvalid",
        reason: `expected recreate_if_invalid to be one of ${JSON.stringify(allowed)}`,
      },
    ];
  },
  replaces: (state, inputs) => (flag(state, "invalid") && recreates(inputs) ? ["invalid"] : []),
  async create(tailscale, inputs) {
    const made = await tailscale
      .request("POST", "/keys", {
        capabilities: {
          devices: {
            create: {
              reusable: flag(inputs, "reusable") ?? false,
              ephemeral: flag(inputs, "ephemeral") ?? false,
              preauthorized: flag(inputs, "preauthorized") ?? false,
              tags: texts(inputs, "tags"),
            },
          },
        },
        expirySeconds: number(inputs, "expiry") ?? NINETY_DAYS_S,
        description: text(inputs, "description") ?? "",
      })
      .catch(explain("Failed to create key"));
    return { id: text(made, "id") ?? "", outputs: { key: text(made, "key") ?? "" } };
  },
  async read(tailscale, id, state) {
    const key = await tailscale.request("GET", `/keys/${id}`).catch(explain("Failed to fetch key", notFound));
    // The secret is shown once, on creation; an import has none.
    const known = { key: state["key"], createdAt: state["createdAt"], expiresAt: state["expiresAt"] };
    if (!key) return { inputs: {}, outputs: { ...known, invalid: true } };
    const create = object(object(object(key, "capabilities"), "devices"), "create");
    return {
      inputs: {
        description: text(key, "description") ?? "",
        ephemeral: flag(create, "ephemeral") ?? false,
        preauthorized: flag(create, "preauthorized") ?? false,
        reusable: flag(create, "reusable") ?? false,
        tags: texts(create, "tags"),
        userId: text(key, "userId") ?? "",
      },
      outputs: {
        ...known,
        createdAt: text(key, "created"),
        expiresAt: text(key, "expires"),
        invalid: flag(key, "invalid") ?? false,
      },
    };
  },
  // Only recreateIfInvalid can change in place, and only the provider knows it.
  async update() {},
  async delete(tailscale, id) {
    await tailscale.request("DELETE", `/keys/${id}`).catch(explain("Failed to delete key", notFound));
  },
};

function recreates(inputs: Props): boolean {
  const choice = text(inputs, "recreateIfInvalid") ?? "";
  return choice === "always" || (choice !== "never" && flag(inputs, "reusable") === true);
}

function notFound(error: unknown): boolean {
  return error instanceof HttpError && error.status === 404;
}

/** Prefixes an error; errors that are `fine` become undefined. */
function explain(what: string): (error: Error) => never;
function explain(what: string, fine: (error: unknown) => boolean): (error: Error) => undefined;
function explain(what: string, fine?: (error: unknown) => boolean): (error: Error) => undefined {
  return (error) => {
    if (fine?.(error)) return undefined;
    throw new Error(`${what}: ${error.message}`);
  };
}

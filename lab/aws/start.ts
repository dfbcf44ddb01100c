import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, openSync, closeSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** Options of {@link startAws}. */
export interface AwsOptions {
  /** Where `aws.log` (moto's request log) is written; created if it does not exist. */
  dir: string;
  /** Python with moto 5.2.5. @default what `scripts/setup` installs, see {@link motoPython} */
  python?: string;
  /** TCP port on 127.0.0.1. @default 0: a free one */
  port?: number;
  /** Elastic IPs per region. @default 5, as in a new AWS account */
  eipQuota?: number;
}

/** A running AWS API. */
export interface Aws {
  /** `http://127.0.0.1:<port>` */
  endpoint: string;
  /** The variables that AWS's SDKs and providers read to reach it. */
  env: Record<string, string>;
  /** Ends the server; resolves once its process is gone. */
  close(): Promise<void>;
}

const STARTUP_TIMEOUT_MS = 60_000;

/** The Python that `scripts/setup moto` puts into the cache. */
export function motoPython(env: NodeJS.ProcessEnv = process.env): string {
  const cache =
    env["PEER_RELAY_CACHE"] ?? join(env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "peer-relay");
  return join(cache, "moto-5.2.5", "bin", "python");
}

/**
 * Starts moto's server with our corrections (`moto/ec2_rules.py`) as the AWS API: EC2, SSM, IAM and STS of all regions,
 * empty but for what a new account has. State lives in memory and goes with the process. The server ends when this
 * process does, however that ends.
 *
 * @throws when Python or moto is missing, or it does not serve within a minute; the message has the end of its log
 */
export async function startAws(options: AwsOptions): Promise<Aws> {
  const python = options.python ?? motoPython();
  if (!existsSync(python)) throw new Error(`no Python with moto at ${python}: run scripts/setup moto`);
  mkdirSync(options.dir, { recursive: true });
  const logFile = join(options.dir, "aws.log");
  const log = openSync(logFile, "a");
  const child = spawn(python, ["-B", join(__dirname, "moto", "serve.py"), String(options.port ?? 0)], {
    stdio: ["pipe", "pipe", log],
    env: { ...process.env, PEER_RELAY_LAB_EIP_QUOTA: String(options.eipQuota ?? 5) },
  });
  closeSync(log);
  try {
    const endpoint = await ready(child);
    return { endpoint, env: clientEnv(endpoint), close: () => stop(child) };
  } catch (error) {
    await stop(child);
    const tail = readFileSync(logFile, "utf8").split("\n").slice(-15).join("\n");
    throw new Error(
      `the AWS API did not start (${(error as Error).message}); ${logFile} ends with:\n${tail}`,
    );
  }
}

function ready(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("timeout")), STARTUP_TIMEOUT_MS);
    let text = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      const match = /READY (\S+)/.exec(text);
      if (match?.[1]) {
        clearTimeout(timer);
        resolve(match[1]);
      }
    });
    child.once("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once("exit", (code, signal) => {
      clearTimeout(timer);
      reject(new Error(`it ended with ${signal ?? `exit code ${code}`}`));
    });
  });
}

function stop(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once("exit", () => resolve());
    child.kill("SIGKILL"); // nothing to save: its state is in memory
  });
}

/** The variables for an AWS API at `endpoint`; region us-east-1, moto's fixed account 123456789012. */
function clientEnv(endpoint: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
    AWS_SECRET_ACCESS_KEY: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    AWS_REGION: "us-east-1",
    AWS_EC2_METADATA_DISABLED: "true",
  };
}

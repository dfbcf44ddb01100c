/** Serves, inside the test's world: instance metadata, SSM and the download mirror. Argument: the world's directory. */
import { createReadStream, existsSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { join, normalize } from "node:path";
import { serveMetadata, serveSsm, type AwsWorld } from "./aws-mock";

/** What the test may change while the world runs. */
export interface WorldControl extends AwsWorld {
  /** False: the mirror closes every connection. */
  mirror: boolean;
}

const [directory = "."] = process.argv.slice(2);
const control = (): WorldControl =>
  JSON.parse(readFileSync(join(directory, "control.json"), "utf8")) as WorldControl;

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request) body += String(chunk);
  return body;
}

createServer((request, response) => serveMetadata(request, response, control())).listen(
  80,
  "169.254.169.254",
);

createServer((request, response) => {
  void bodyOf(request).then((body) => serveSsm(request, body, response, control()));
}).listen(8000, "203.0.113.10");

createServer((request, response) => {
  const file = join(directory, "mirror", normalize(decodeURIComponent(request.url ?? "/")));
  if (!control().mirror) request.socket.destroy();
  else if (!existsSync(file)) response.writeHead(404).end();
  else
    createReadStream(file)
      .on("error", () => response.destroy())
      .pipe(response);
}).listen(80, "203.0.113.10");

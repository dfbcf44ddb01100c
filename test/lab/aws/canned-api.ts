import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Props } from "../../../lab/providers/host";

/** Answers each request with what the test put there, and keeps what was asked. */
export class Api {
  asked: string[] = [];
  answers: Record<string, [number, Props]> = {};
  private readonly server: Server = createServer((request, response) => {
    void read(request).then((body) => {
      const route = `${request.method} ${request.url}`;
      this.asked.push([route, request.headers.authorization ?? "-", body].join(" ").trim());
      const [status, answer] = this.answers[route] ?? [404, { message: "not found" }];
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answer));
    });
  });

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

async function read(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request) body += String(chunk);
  return body;
}

import { Agent, createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A small HTTP server that answers with its own name; what it was asked for is counted. */
export class WebServer {
  readonly name: string;
  readonly port: number;
  requests = 0;
  readonly #server: Server;

  private constructor(name: string, server: Server) {
    this.name = name;
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('request', () => {
      this.requests += 1;
    });
  }

  /** `delayMs`: how long an answer takes; `gate`: none comes before. */
  static async start(name: string, delayMs = 0, gate?: Promise<void>): Promise<WebServer> {
    const server = createServer((_, response) => {
      if (gate !== undefined) void gate.then(() => response.end(name));
      else if (delayMs === 0) response.end(name);
      else setTimeout(() => response.end(name), delayMs);
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    return new WebServer(name, server);
  }

  /** At once, as a program that exits: open requests are cut. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
      this.#server.closeAllConnections();
    });
  }
}

export interface Reply {
  readonly status: number;
  readonly body: string;
}

/** One request on a connection of its own. */
export function get(
  port: number,
  host: string,
  options: { path?: string; agent?: Agent; address?: string } = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const agent = options.agent ?? new Agent({ keepAlive: false });
    const { path = '/', address = '127.0.0.1' } = options;
    const asked = request({ host: address, port, agent, path, headers: { host } });
    asked.once('error', reject);
    asked.once('response', (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.once('end', () => {
        resolve({ status: response.statusCode ?? 0, body });
      });
      response.once('error', reject);
    });
    asked.end();
  });
}

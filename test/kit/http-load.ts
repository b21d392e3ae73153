import { Agent } from 'node:http';
import { get } from './web-server.ts';

/** Requests at a fixed rate, whether answers come or not; half of them over kept connections. */
export class HttpLoad {
  sent = 0;
  readonly failed: string[] = [];
  readonly #kept = new Agent({ keepAlive: true, maxSockets: 8 });
  readonly #open = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;

  /** `address`: where it is sent; this machine by default. */
  constructor({
    port,
    host,
    everyMs,
    address = '127.0.0.1',
  }: { readonly port: number; readonly host: string; readonly everyMs: number; readonly address?: string }) {
    this.#timer = setInterval(() => {
      this.sent += 1;
      const agent = this.sent % 2 === 0 ? { agent: this.#kept } : {};
      const options = { ...agent, address };
      const asked = get(port, host, options)
        .then(({ status }) => {
          if (status !== 200) this.failed.push(String(status));
        })
        .catch((error: unknown) => {
          this.failed.push(String(error));
        })
        .finally(() => this.#open.delete(asked));
      this.#open.add(asked);
    }, everyMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#open);
    this.#kept.destroy();
  }
}

import { Agent } from 'node:http';
import { get } from './web-server.ts';

/** Requests at a fixed rate, whether answers come or not; half of them over kept connections. */
export class HttpLoad {
  sent = 0;
  readonly failed: string[] = [];
  readonly #kept = new Agent({ keepAlive: true, maxSockets: 8 });
  readonly #open = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;

  constructor({
    port,
    host,
    everyMs,
  }: { readonly port: number; readonly host: string; readonly everyMs: number }) {
    this.#timer = setInterval(() => {
      this.sent += 1;
      const agent = this.sent % 2 === 0 ? { agent: this.#kept } : {};
      const asked = get(port, host, agent)
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

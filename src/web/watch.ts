import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { type Clock, sleep } from '../core/ports.ts';
import type { StatusSource } from '../core/status.ts';
import { startStream } from './answer.ts';
import type { ListRoute } from './routes.ts';

/** At most four lines a second, however much changes. */
const GAP_MS = 250;

/**
 * Streams a list as NDJSON: the whole list on one line, at first and then after each change of it. What is not different
 * is not said again. Returns when the signal aborts (the client left, or the server closes).
 */
export async function watch(
  response: ServerResponse,
  route: ListRoute,
  source: StatusSource,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const changes = new Changes(source, clock, signal);
  startStream(response);
  let last: string | undefined;
  try {
    while (!signal.aborted) {
      changes.seen();
      const text = await line(route, source, signal);
      if (text !== last) await write(response, text, signal);
      last = text;
      const at = clock.monotonic();
      await changes.next(route.pollMs);
      await sleep(clock, Math.max(0, GAP_MS - (clock.monotonic() - at)), signal);
    }
  } finally {
    changes.close();
    response.end();
  }
}

/** A list that cannot be read now is told on its line; the stream goes on. */
async function line(route: ListRoute, source: StatusSource, signal: AbortSignal): Promise<string> {
  try {
    return `${JSON.stringify(await route.read(source, signal))}\n`;
  } catch {
    return `${JSON.stringify({ error: { code: 'unreadable', message: 'This list cannot be read now.' } })}\n`;
  }
}

async function write(response: ServerResponse, text: string, signal: AbortSignal): Promise<void> {
  if (signal.aborted || response.write(text)) return;
  // A client that reads slowly gets fewer lines, not a growing buffer.
  await once(response, 'drain', { signal }).catch(() => undefined);
}

/** Waits for the next change; one that came since `seen` counts. */
class Changes {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #unsubscribe: () => void;
  #dirty = false;
  #wake: (() => void) | undefined;

  constructor(source: StatusSource, clock: Clock, signal: AbortSignal) {
    this.#clock = clock;
    this.#signal = signal;
    this.#unsubscribe = source.onChange(() => {
      this.#dirty = true;
      this.#wake?.();
    });
  }

  seen(): void {
    this.#dirty = false;
  }

  next(pollMs: number | undefined): Promise<void> {
    if (this.#dirty || this.#signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel =
        pollMs === undefined
          ? undefined
          : this.#clock.timer(pollMs, () => {
              this.#wake?.();
            });
      const done = (): void => {
        this.#wake = undefined;
        cancel?.();
        this.#signal.removeEventListener('abort', done);
        resolve();
      };
      this.#wake = done;
      this.#signal.addEventListener('abort', done, { once: true });
    });
  }

  close(): void {
    this.#unsubscribe();
  }
}

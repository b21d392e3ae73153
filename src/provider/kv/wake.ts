import type { Clock } from '../../core/ports.ts';

/** A nap longer than anything; a wake or the signal ends it. */
export const FOR_EVER = 2 ** 31 - 1;

/** A nap that can be cut short. A wake that comes while nobody naps ends the next nap at once. */
export class Wake {
  #woken = false;
  #end: (() => void) | undefined;

  wake(): void {
    this.#woken = true;
    this.#end?.();
  }

  /** True when it was woken, false when the time was over or the signal aborted. */
  async nap(clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> {
    if (!this.#woken && !signal.aborted) await this.#sleep(clock, ms, signal);
    const woken = this.#woken;
    this.#woken = false;
    return woken;
  }

  #sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        cancel();
        signal.removeEventListener('abort', end);
        this.#end = undefined;
        resolve();
      };
      const cancel = clock.timer(ms, end);
      signal.addEventListener('abort', end, { once: true });
      this.#end = end;
    });
  }
}

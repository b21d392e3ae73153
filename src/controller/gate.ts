/** Lets workers pass while a condition holds; they wait, without polling, while it does not. */
export class Gate {
  readonly #isOpen: () => boolean;
  readonly #waiting = new Set<() => void>();

  constructor(isOpen: () => boolean) {
    this.#isOpen = isOpen;
  }

  get open(): boolean {
    return this.#isOpen();
  }

  /** To be called whenever the condition may have become true. */
  check(): void {
    if (this.open) for (const pass of [...this.#waiting]) pass();
  }

  /** Resolves when the gate is open or the signal aborts. */
  pass(signal: AbortSignal): Promise<void> {
    if (this.open || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const pass = (): void => {
        this.#waiting.delete(pass);
        signal.removeEventListener('abort', pass);
        resolve();
      };
      this.#waiting.add(pass);
      signal.addEventListener('abort', pass, { once: true });
    });
  }
}

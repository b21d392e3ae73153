/** What has to be undone at the end, the last first, also after a failure. */
export class Cleanup {
  readonly #undo: (() => Promise<void> | void)[] = [];

  defer(undo: () => Promise<void> | void): void {
    this.#undo.push(undo);
  }

  async run(): Promise<void> {
    for (let undo = this.#undo.pop(); undo !== undefined; undo = this.#undo.pop()) {
      try {
        await undo();
      } catch (error) {
        console.error('cleaning up:', error);
      }
    }
  }
}

/** The innermost last. */
const open: Cleanup[] = [];

/** Runs `act` and then undoes what it asked to have undone; also when the process is told to stop. */
export async function tidily<T>(act: (cleanup: Cleanup) => Promise<T>): Promise<T> {
  const cleanup = new Cleanup();
  open.push(cleanup);
  try {
    return await act(cleanup);
  } finally {
    await cleanup.run();
    open.splice(open.indexOf(cleanup), 1);
  }
}

/** To be called once, before anything is started. */
export function tidyOnSignals(): void {
  const stop = async (): Promise<void> => {
    for (const cleanup of open.toReversed()) await cleanup.run();
    process.exit(130);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop());
}

import type { AnnounceLoop } from '../controller/announce.ts';
import type { Log } from '../core/ports.ts';

/** Something of the loop that is kept in a file of the state folder. */
export interface Keepsake<T> {
  readonly name: string;
  readonly read: () => T;
  readonly save: (value: T) => Promise<void>;
  /** What the file held at the start. */
  readonly before: T;
}

export interface Keeper {
  /** Writes what is not written yet; false when it cannot be written. */
  readonly flush: () => Promise<boolean>;
  /** Stops following the loop and waits for the last write. */
  readonly end: () => Promise<void>;
}

/**
 * Keeps drains or orders in the state folder: what an embedded registry holds dies with the process. One write at a time,
 * and always the newest. Nothing is written before the first list: until then it has not met its containers yet.
 */
export function keep<T>(
  { name, read, save, before }: Keepsake<T>,
  loop: Pick<AnnounceLoop, 'onChange' | 'endpoints'>,
  log: Log,
): Keeper {
  let saved = JSON.stringify(before);
  let writing: Promise<boolean> | undefined;
  let complained = false;
  const text = (): string => JSON.stringify(read());
  const write = async (): Promise<boolean> => {
    try {
      for (let now = text(); now !== saved; now = text()) {
        await save(read());
        saved = now;
        complained = false;
      }
      return true;
    } catch (error) {
      // Tried again at every change, said once.
      if (!complained)
        log.warn({ reason: String(error) }, `${name} could not be written to the state folder`);
      complained = true;
      return false;
    }
  };
  const flush = async (): Promise<boolean> => {
    writing ??= write().finally(() => {
      writing = undefined;
    });
    return await writing;
  };
  const stop = loop.onChange(() => {
    if (loop.endpoints.listedAt !== undefined && writing === undefined && text() !== saved) void flush();
  });
  return {
    flush,
    end: async () => {
      stop();
      await writing;
    },
  };
}

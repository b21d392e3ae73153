import type { AnnounceLoop } from '../controller/announce.ts';
import type { DrainNote } from '../core/lifecycle.ts';
import type { Log } from '../core/ports.ts';
import type { StateFolder } from '../state/folder.ts';

/**
 * Keeps the drains of an embedded registry in the state folder, because its content dies with the process. One write at a
 * time, and always the newest notes; returns a function that waits for the last one.
 */
export function keepDrains(
  loop: AnnounceLoop,
  folder: StateFolder,
  before: readonly DrainNote[],
  log: Log,
): () => Promise<void> {
  let saved = JSON.stringify(before);
  let writing: Promise<void> | undefined;
  let complained = false;
  const save = async (): Promise<void> => {
    for (let text = textOf(loop); text !== saved; text = textOf(loop)) {
      await folder.saveDrains(loop.endpoints.drainNotes());
      saved = text;
      complained = false;
    }
  };
  const stop = loop.onChange(() => {
    // Before the first list the notes of the earlier process have not met their containers yet.
    if (loop.endpoints.listedAt === undefined || writing !== undefined || textOf(loop) === saved) return;
    writing = save()
      .catch((error: unknown) => {
        // Tried again at every change, said once.
        if (!complained)
          log.warn({ reason: String(error) }, 'drains could not be written to the state folder');
        complained = true;
      })
      .finally(() => {
        writing = undefined;
      });
  });
  return async () => {
    stop();
    await writing;
  };
}

function textOf(loop: AnnounceLoop): string {
  return JSON.stringify(loop.endpoints.drainNotes());
}

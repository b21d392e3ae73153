import type { StateFolder } from '../state/folder.ts';
import { StartError } from './io.ts';

/** Makes the state folder, or says that another one is needed. */
export async function prepareFolder(folder: StateFolder): Promise<void> {
  await folder.prepare().catch((error: unknown) => {
    throw new StartError(
      `the state folder ${folder.path} cannot be used (${String(error)}); choose another with --state-dir`,
    );
  });
}

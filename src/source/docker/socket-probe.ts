import { accessSync, constants, statSync } from 'node:fs';
import { codeOf } from '../../core/failure.ts';

/** Whether a path is a socket that this process may open; undefined: it is, else why not. */
export function probeSocket(path: string): string | undefined {
  try {
    if (!statSync(path).isSocket()) return 'no socket';
    accessSync(path, constants.R_OK | constants.W_OK);
    return undefined;
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'not there';
    return code === 'EACCES' || code === 'EPERM' ? 'not allowed for this user' : code;
  }
}

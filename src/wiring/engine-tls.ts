import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Log } from '../core/ports.ts';
import type { EngineTls } from '../source/docker/connection.ts';
import { pemFrom } from './credentials.ts';
import { FollowedFiles } from './followed-files.ts';
import { StartError } from './io.ts';

/** Those files of `DOCKER_CERT_PATH`, followed from now on. Throws a readable error when they cannot be used. */
export async function followEngineTls(
  folder: string,
  names: readonly (keyof EngineTls)[],
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<FollowedFiles<EngineTls>> {
  const files = new Map(names.map((name) => [name, join(folder, `${name}.pem`)]));
  const opened = await FollowedFiles.open<EngineTls>({
    recipe: { files, make: (texts) => pemFrom(texts, files, (pem) => pem) },
    subject: { source: 'docker' },
    readFile: (path) => readFile(path, 'utf8'),
    clock,
    log,
  });
  if ('files' in opened) return opened.files;
  throw new StartError(`DOCKER_CERT_PATH: ${opened.problem}`);
}

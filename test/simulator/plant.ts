import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repository } from '../kit/paths.ts';
import type { PlantedBug } from './planted.ts';

const NEEDED = ['src', 'test/kit', 'test/simulator', 'package.json', 'tsconfig.json'];

/** Copies what the simulator needs, with the bug in it; answers the folder. Nothing is changed in place. */
export async function plant({ name, edits }: PlantedBug): Promise<string> {
  const folder = join(repository, '.cache', 'planted', name.replace(/\W+/g, '-'));
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, 'test'), { recursive: true });
  for (const path of NEEDED) await cp(join(repository, path), join(folder, path), { recursive: true });
  await symlink(join(repository, 'node_modules'), join(folder, 'node_modules'));
  for (const { file, find, put } of edits) {
    const path = join(folder, 'src', file);
    const text = await readFile(path, 'utf8');
    const parts = text.split(find);
    if (parts.length !== 2)
      throw new Error(`"${find}" stands ${String(parts.length - 1)} times in src/${file}`);
    await writeFile(path, parts.join(put));
  }
  return folder;
}

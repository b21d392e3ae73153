import { readFileSync } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';

/** So many small files are read at a time: one by one asynchronously they cost five times as much. */
const AT_ONCE = 32;

/** A folder of files that is ours alone. Each file is replaced as a whole, so that nobody ever reads half of one. */
export class OwnFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Content of every file of some sub-folders, by its path below the folder; nothing where there is nothing. */
  async read(folders: readonly string[]): Promise<Map<string, string>> {
    const files = new Map<string, string>();
    for (const folder of folders) {
      const names = await readdir(join(this.path, folder)).catch(() => []);
      const visible = names.filter((candidate) => !candidate.startsWith('.')).sort();
      for (const [index, name] of visible.entries()) {
        if (index % AT_ONCE === AT_ONCE - 1) await turn();
        const text = textOf(join(this.path, folder, name));
        if (text !== undefined) files.set(`${folder}/${name}`, text);
      }
    }
    return files;
  }

  /** Throws when it cannot be written. */
  async write(name: string, text: string): Promise<void> {
    const path = join(this.path, name);
    const folder = dirname(path);
    await mkdir(folder, { recursive: true });
    // A dot in front: neither we nor HAProxy take it for a file of the configuration.
    const unfinished = join(folder, `.${path.slice(folder.length + 1)}.new`);
    await writeFile(unfinished, text, { mode: 0o644 });
    await rename(unfinished, path);
  }

  async remove(name: string): Promise<void> {
    await rm(join(this.path, name), { force: true });
  }

  async clear(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

/** undefined: it went away meanwhile, or is none of ours. */
function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

import type { PlanLine } from '../../core/status.ts';
import { OwnFolder } from '../files.ts';
import type { Assignment } from './assignment.ts';
import {
  type Files,
  fileOf,
  MAPS,
  mapEntries,
  type Placed,
  renderBackend,
  renderBase,
  renderMap,
  renderSpares,
} from './render.ts';
import type { HaproxySettings } from './settings.ts';

const FOLDERS = ['conf', 'maps'] as const;
const SPARES = 'conf/90-spare.cfg';

/** All files as they are to be. `folder`: where they will lie, for the paths of maps. */
export function renderAll(
  settings: HaproxySettings,
  assignment: Assignment,
  placed: ReadonlyMap<string, Placed>,
  folder: string,
): Files {
  const { files: base, marker } = renderBase(settings, folder);
  const files = new Map(base);
  const all = [...placed.values()].sort((a, b) => (a.backend < b.backend ? -1 : 1));
  for (const one of all) files.set(fileOf(one.backend), renderBackend(one, settings));
  files.set(SPARES, renderSpares(settings, assignment.taken, marker));
  const maps = mapEntries(all);
  for (const name of MAPS) files.set(`maps/${name}.map`, renderMap(maps[name]));
  return files;
}

/** The files of a proxy: what stands on disk, and how it is brought to what it should be. */
export class ProxyFolder {
  readonly #folder: OwnFolder;
  #known = new Map<string, string>();

  constructor(path: string) {
    this.#folder = new OwnFolder(path);
  }

  get files(): ReadonlyMap<string, string> {
    return this.#known;
  }

  /** Reads again what is there. */
  async look(): Promise<void> {
    this.#known = await this.#folder.read(FOLDERS);
  }

  differences(wanted: Files): readonly PlanLine[] {
    const lines: PlanLine[] = [];
    for (const name of new Set([...this.#known.keys(), ...wanted.keys()])) {
      const before = this.#known.get(name);
      const after = wanted.get(name);
      if (before === after) continue;
      const action = before === undefined ? 'create' : after === undefined ? 'delete' : 'update';
      lines.push({ action, key: name, before, after, reason: 'a restart has to begin from the same state' });
    }
    return lines;
  }

  /** Writes what differs, and removes what should not be there. Throws when it cannot. */
  async bring(wanted: Files): Promise<void> {
    for (const [name, text] of wanted)
      if (this.#known.get(name) !== text) {
        await this.#folder.write(name, text);
        this.#known.set(name, text);
      }
    for (const name of [...this.#known.keys()])
      if (!wanted.has(name)) {
        await this.#folder.remove(name);
        this.#known.delete(name);
      }
  }

  /** The same for one file only. */
  async put(name: string, text: string | undefined): Promise<void> {
    if (this.#known.get(name) === text) return;
    if (text === undefined) {
      await this.#folder.remove(name);
      this.#known.delete(name);
    } else {
      await this.#folder.write(name, text);
      this.#known.set(name, text);
    }
  }
}

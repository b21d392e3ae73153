import { createHash } from 'node:crypto';
import * as z from 'zod';
import { fail, messageOf, ok, type Result } from '../core/failure.ts';
import { parseJson } from '../core/json.ts';
import type { Revision } from '../core/record.ts';
import type { RouteMemory } from '../core/route-memory.ts';
import type { RouteRecord } from '../core/route-record.ts';
import { OwnFolder } from './files.ts';

const FOLDER = 'records';

const schema = z.object({
  records: z.array(z.object({ key: z.string(), since: z.string().regex(/^\d{1,20}$/), value: z.string() })),
});

export interface FolderMemoryOptions {
  /** The proxy's own folder; the files lie in `records` below it. */
  readonly folder: string;
  readonly encode: (record: RouteRecord) => string;
  /** undefined: it is no record, or not one that this proxy follows. It checks whatever it is given. */
  readonly decode: (key: string, value: string, since: Revision) => RouteRecord | undefined;
  readonly writing: boolean;
}

/** One file for each service, beside the files of the proxy, which never reads it. */
export class FolderMemory implements RouteMemory {
  readonly keep: RouteMemory['keep'];
  readonly #options: FolderMemoryOptions;
  readonly #folder: OwnFolder;

  constructor(options: FolderMemoryOptions) {
    this.#options = options;
    this.#folder = new OwnFolder(options.folder);
    if (options.writing) this.keep = (path, records) => this.#keep(path, records);
  }

  async recall(): Promise<readonly RouteRecord[]> {
    const files = await this.#folder.read([FOLDER]);
    const recalled: RouteRecord[] = [];
    for (const [file, text] of files) {
      const known = this.#read(file, text);
      recalled.push(...known);
      // What is left of other settings is nobody's.
      if (known.length === 0 && this.#options.writing) await this.#folder.remove(file).catch(() => undefined);
    }
    return recalled;
  }

  #read(file: string, text: string): readonly RouteRecord[] {
    const parsed = schema.safeParse(parseJson(text));
    if (!parsed.success) return [];
    return parsed.data.records
      .map(({ key, value, since }) => this.#options.decode(key, value, since))
      .filter((record) => record !== undefined)
      .filter(({ path }) => fileOf(path) === file);
  }

  async #keep(path: string, records: readonly RouteRecord[]): Promise<Result<void>> {
    const { encode } = this.#options;
    const kept = records.map((record) => ({ key: record.key, since: record.since, value: encode(record) }));
    try {
      if (kept.length === 0) await this.#folder.remove(fileOf(path));
      else await this.#folder.write(fileOf(path), `${JSON.stringify({ records: kept })}\n`);
      return ok(undefined);
    } catch (error) {
      return fail('proxy-files', messageOf(error));
    }
  }
}

/** A path may be longer than the name of a file. */
function fileOf(path: string): string {
  return `${FOLDER}/${createHash('sha256').update(path).digest('hex').slice(0, 32)}.json`;
}

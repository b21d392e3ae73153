import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hostileText, runs } from '../../test/kit/fuzz.ts';
import { decodeRoute } from '../../test/kit/route-lab.ts';
import { anyRouteRecord, routeRecord } from '../../test/kit/route-records.ts';
import { routeValue } from '../layout/route.ts';
import { FolderMemory } from './memory.ts';

describe('the records that outlive a process', () => {
  let folder: string;
  const open = (writing = true): FolderMemory =>
    new FolderMemory({ folder, encode: routeValue, decode: decodeRoute, writing });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'portolan-memory-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('are the same for the next one', async () => {
    const records = [
      routeRecord('/a/web', 'one', { name: 'Shop.Example', weight: 7, since: '12' }),
      routeRecord('/a/web', 'two', { state: 'draining', cause: 'command', owner: undefined }),
    ];
    expect(await open().keep?.('/a/web', records)).toEqual({ ok: true, value: undefined });
    expect(await open().recall()).toEqual(records);
    await open().keep?.('/a/web', []);
    expect(await open().recall()).toEqual([]);
    expect(await readdir(join(folder, 'records'))).toEqual([]);
  });

  it('are the same whatever they hold', () => {
    fc.assert(
      fc.property(anyRouteRecord, hostileText, (record, text) => {
        const hostile = { ...record, name: text, owner: text };
        expect(decodeRoute(hostile.key, routeValue(hostile), hostile.since)).toEqual(hostile);
      }),
      runs(100),
    );
  });

  it('are left out where the files are not what we wrote, and their files with them', async () => {
    await open().keep?.('/a/web', [routeRecord('/a/web', 'one')]);
    await mkdir(join(folder, 'records'), { recursive: true });
    const odd = ['', 'null', '{"records":[{"key":"/services/x","since":"1","value":"{}"}]}', '{"records":1}'];
    for (const [n, text] of odd.entries()) await writeFile(join(folder, `records/${String(n)}.json`), text);
    expect((await open(false).recall()).map(({ id }) => id)).toEqual(['one']);
    expect(await readdir(join(folder, 'records'))).toHaveLength(5);
    expect((await open().recall()).map(({ id }) => id)).toEqual(['one']);
    expect(await readdir(join(folder, 'records'))).toHaveLength(1);
  });

  it('are not kept by a dry run, and a folder that cannot be written is a failure', async () => {
    expect(open(false).keep).toBeUndefined();
    await writeFile(join(folder, 'records'), '');
    expect(await open().keep?.('/a/web', [routeRecord('/a/web', 'one')])).toMatchObject({
      ok: false,
      failure: { code: 'proxy-files' },
    });
  });
});

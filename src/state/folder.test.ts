import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StateFolder } from './folder.ts';

let path = '';
beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'portolan-state-'));
});
afterEach(async () => {
  await rm(path, { recursive: true });
});

describe('the state folder', () => {
  it('is made when it is not there, and remembers the owner id', async () => {
    const folder = new StateFolder(join(path, 'deep', 'folder'));
    await folder.prepare();
    expect(await folder.ownerId()).toBeUndefined();
    await folder.saveOwnerId('host-1');
    expect(await new StateFolder(folder.path).ownerId()).toBe('host-1');
  });

  it('remembers the last instances, not all of them', async () => {
    const folder = new StateFolder(path);
    for (let i = 0; i < 30; i += 1) await folder.beginLife({ instance: String(i), boot: 'b' });
    const lives = await folder.lives();
    expect([lives.length, lives.at(-1)?.instance]).toEqual([20, '29']);
  });

  it('remembers drains', async () => {
    const note = {
      endpoint: 'e',
      cause: 'stop-signal',
      since: 1,
      until: 2,
      startedAt: 's',
      offered: true,
    } as const;
    await new StateFolder(path).saveDrains([note]);
    expect(await new StateFolder(path).drains()).toEqual([note]);
  });

  it('takes a damaged file for an absent one and leaves no temporary file behind', async () => {
    const folder = new StateFolder(path);
    await writeFile(join(path, 'drains.json'), '[{"endpoint":');
    await writeFile(join(path, 'instances.json'), '{}');
    expect([await folder.drains(), await folder.lives()]).toEqual([[], []]);
    await folder.saveDrains([]);
    expect((await readdir(path)).sort()).toEqual(['drains.json', 'instances.json']);
  });

  it('does not guess an owner id that it cannot read', async () => {
    await expect(new StateFolder('/proc/self/mem').ownerId()).rejects.toThrow();
  });
});

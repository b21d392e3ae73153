import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { container, containerId } from '../../test/kit/containers.ts';
import { eventually } from '../../test/kit/eventually.ts';
import { recordingLog, TestLoop } from '../../test/kit/loop.ts';
import type { DrainNote } from '../core/lifecycle.ts';
import { StateFolder } from '../state/folder.ts';
import { keep } from './drains.ts';

const folders: string[] = [];
afterEach(async () => {
  for (const path of folders.splice(0)) await rm(path, { recursive: true });
});

describe('drains of an embedded registry', () => {
  it('are written as soon as the state folder can be written again', async () => {
    const above = await mkdtemp(join(tmpdir(), 'portolan-drains-'));
    folders.push(above);
    const folder = new StateFolder(join(above, 'state'));
    const test = new TestLoop();
    const log = recordingLog();
    const keepsake = {
      name: 'drains',
      before: [],
      read: () => test.loop.endpoints.drainNotes(),
      save: (notes: readonly DrainNote[]) => folder.saveDrains(notes),
    };
    const { end } = keep<readonly DrainNote[]>(keepsake, test.loop, log);
    await test.listed({ type: 'seen', container: container(1), at: 0 });
    await test.say({ type: 'stopping', id: containerId(1), signal: 'SIGTERM', at: test.clock.now() });
    await eventually(() => log.lines.length > 0, { what: 'the failed write', everyMs: 5 });
    expect(log.lines).toHaveLength(1);
    await folder.prepare();
    await test.say({ type: 'seen', container: container(2), at: 0 });
    await end();
    expect(await folder.drains()).toMatchObject([{ cause: 'stop-signal' }]);
    await test.end();
  });
});

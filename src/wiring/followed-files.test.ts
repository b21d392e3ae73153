import { describe, expect, it } from 'vitest';
import { settle, VirtualClock } from '../../test/kit/clock.ts';
import { recordingLog } from '../../test/kit/loop.ts';
import { DOUBT_MS, FollowedFiles, LOOK_MS, type Recipe } from './followed-files.ts';

/** Two halves that fit when they begin alike, in files that a test writes. */
const recipe: Recipe<{ readonly text: string }> = {
  files: new Map([
    ['left', '/left'],
    ['right', '/right'],
  ]),
  make: (texts) => {
    const [left = '', right = ''] = [texts.get('left'), texts.get('right')];
    if (left[0] !== right[0]) return { problem: '/right does not fit' };
    return { value: { text: left + right }, notes: (now) => (now > 2_000_000 ? ['/left is old'] : []) };
  },
};

async function opened() {
  const disk = new Map([
    ['/left', 'a1'],
    ['/right', 'a2'],
  ]);
  const clock = new VirtualClock();
  const log = recordingLog();
  const readFile = (path: string): Promise<string> => {
    const text = disk.get(path);
    return text === undefined
      ? Promise.reject(Object.assign(new Error('gone'), { code: 'ENOENT' }))
      : Promise.resolve(text);
  };
  const result = await FollowedFiles.open({ recipe, subject: { target: 'etcd' }, readFile, clock, log });
  if ('problem' in result) throw new Error(result.problem);
  const said = () => log.lines.map(({ level, message, fields }) => [level, message, fields]);
  return { disk, clock, said, files: result.files, readFile, log };
}

const RENEWED = 'credentials were renewed; new connections use them';
const KEPT = 'changed credentials cannot be used; the earlier ones stay';

describe('followed files', () => {
  it('stay the same object, whoever writes the same again, until their content changes', async () => {
    const { disk, clock, files, said } = await opened();
    const before = files.current;
    disk.set('/left', 'a1');
    await clock.advance(3 * LOOK_MS);
    expect(files.current).toBe(before);
    disk.set('/left', 'a3');
    await clock.advance(LOOK_MS);
    expect(files.current).toEqual({ text: 'a3a2' });
    expect(said()).toEqual([['info', RENEWED, { target: 'etcd', files: ['/left', '/right'] }]]);
  });

  it('that do not fit for a moment, or are gone for one, are tried again without a word', async () => {
    const { disk, clock, files, said } = await opened();
    disk.set('/left', 'b1');
    await clock.advance(LOOK_MS);
    expect(files.current).toEqual({ text: 'a1a2' });
    disk.set('/right', 'b2');
    await clock.advance(DOUBT_MS);
    expect(files.current).toEqual({ text: 'b1b2' });
    disk.delete('/left');
    await clock.advance(LOOK_MS);
    disk.set('/left', 'b1');
    await clock.advance(LOOK_MS);
    expect(said().map(([level]) => level)).toEqual(['info']);
  });

  it('that stay useless leave the earlier ones and are complained of once each', async () => {
    const { disk, clock, files, said } = await opened();
    disk.set('/left', 'b1');
    await clock.advance(10 * LOOK_MS);
    disk.delete('/left');
    await clock.advance(10 * LOOK_MS);
    expect(files.current).toEqual({ text: 'a1a2' });
    expect(said()).toEqual([
      ['warn', KEPT, { target: 'etcd', reason: '/right does not fit' }],
      ['warn', KEPT, { target: 'etcd', reason: '/left cannot be read (ENOENT)' }],
    ]);
    disk.set('/left', 'a1');
    await clock.advance(LOOK_MS);
    disk.set('/left', 'b1');
    await clock.advance(2 * LOOK_MS);
    expect(said()).toHaveLength(3);
  });

  it('tell once what time makes of them', async () => {
    const { clock, said } = await opened();
    await clock.advance(1_000_000 + 3 * LOOK_MS);
    expect(said()).toEqual([['warn', 'credentials', { target: 'etcd', reason: '/left is old' }]]);
  });

  it('cannot begin with what is useless', async () => {
    const { disk, readFile, clock, log } = await opened();
    disk.set('/left', 'b1');
    const options = { recipe, subject: {}, readFile, clock, log };
    expect(await FollowedFiles.open(options)).toEqual({ problem: '/right does not fit' });
    disk.delete('/left');
    expect(await FollowedFiles.open(options)).toEqual({ problem: '/left cannot be read (ENOENT)' });
  });

  it('become others at once when they are told to, and leave no timer behind', async () => {
    const { disk, clock, files } = await opened();
    disk.set('/other', 'c');
    const other: Recipe<{ readonly text: string }> = {
      files: new Map([['left', '/other']]),
      make: (texts) => ({ value: { text: texts.get('left') ?? '' } }),
    };
    const changing = files.change(other);
    await settle();
    await changing;
    expect(files.current).toEqual({ text: 'c' });
    expect(clock.pendingTimers).toBe(1);
    files.stop();
    expect(clock.pendingTimers).toBe(0);
  });
});

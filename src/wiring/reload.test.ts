import { describe, expect, it } from 'vitest';
import { settle } from '../../test/kit/clock.ts';
import { good } from '../../test/kit/config.ts';
import { recordingLog } from '../../test/kit/loop.ts';
import type { ReloadPort } from './io.ts';
import { liveConfig } from './live-config.ts';
import { followReloads } from './reload.ts';

/** An agent's settings and what is asked of it; `file` is what the next reading finds. */
function process(yaml: string) {
  const live = liveConfig(good({ yaml }).config);
  const log = recordingLog();
  const told: string[] = [];
  let file = yaml;
  let ask = (): void => undefined;
  const reload: ReloadPort = {
    onRequest: (listener) => {
      ask = listener;
      return () => {
        ask = () => undefined;
      };
    },
    load: () =>
      file === 'broken'
        ? { ok: false, problems: ['p.yaml:1: resync: is no duration; write 5s'], warnings: [] }
        : { ok: true, config: good({ yaml: file }).config, warnings: [] },
    setLogLevel: (level) => told.push(`log ${level}`),
  };
  const stop = followReloads({
    live,
    io: { log, reload },
    credentials: new Map(),
    host: { settingsChanged: () => told.push('host') },
    settingsChanged: () => told.push('loop'),
  });
  const hangUp = async (text: string): Promise<void> => {
    file = text;
    ask();
    await settle();
  };
  const said = () => log.lines.map(({ level, message, fields }) => ({ level, message, ...fields }));
  return { config: live.config, hangUp, said, told, stop };
}

describe('a request to read the configuration again', () => {
  it('is seen by those who were given the configuration, and told in one line', async () => {
    const { config, hangUp, said, told } = process('resync: 60s');
    await hangUp('resync: 30s\nleaseTtl: 30s');
    expect(config).toMatchObject({ resync: 30_000, leaseTtl: 15_000 });
    expect(told).toEqual(['log info', 'host', 'loop']);
    expect(said()).toEqual([
      {
        level: 'warn',
        message: 'configuration read again; some of it needs a restart',
        applied: ['resync'],
        restart: ['leaseTtl'],
      },
    ]);
  });

  it('looks at nothing again when nothing changed', async () => {
    const { hangUp, said, told } = process('resync: 60s');
    await hangUp('resync: 1m');
    expect(told).toEqual(['log info']);
    expect(said()).toEqual([{ level: 'info', message: 'configuration read again', applied: [] }]);
  });

  it('changes nothing when the file is broken, says why, and is heard again when it is mended', async () => {
    const { config, hangUp, said, told } = process('resync: 60s');
    await hangUp('broken');
    expect(config.resync).toBe(60_000);
    expect(told).toEqual([]);
    expect(said()).toMatchObject([{ level: 'error', reason: expect.stringContaining('p.yaml:1') as string }]);
    await hangUp('resync: 30s');
    expect(config.resync).toBe(30_000);
  });

  it('measures each reading by what counts, not by what the last file said', async () => {
    const { hangUp, said } = process('leaseTtl: 15s');
    await hangUp('leaseTtl: 30s');
    await hangUp('leaseTtl: 30s');
    expect(said()).toMatchObject([{ restart: ['leaseTtl'] }, { restart: ['leaseTtl'] }]);
    await hangUp('leaseTtl: 15s');
    expect(said()[2]).toMatchObject({ level: 'info', applied: [] });
  });

  it('is not heard any more at the end', async () => {
    const { config, hangUp, stop } = process('resync: 60s');
    stop();
    await hangUp('resync: 30s');
    expect(config.resync).toBe(60_000);
  });
});

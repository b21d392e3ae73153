import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { good } from '../../test/kit/config.ts';
import { silentLog } from '../../test/kit/haproxy.ts';
import type { FlagValue } from '../config/environment.ts';
import { systemClock } from '../telemetry/clock.ts';
import { runAnnouncer } from './lone-announcer.ts';

const ENV = { ANNOUNCE_PATH: '/a/dev/web', PORT: '80', HOME: undefined };

async function announce(
  flags: Readonly<Record<string, FlagValue>>,
  env: Readonly<Record<string, string | undefined>>,
) {
  let out = '';
  const warned: unknown[] = [];
  const code = await runAnnouncer(
    good({ flags }).config,
    {
      ...{ clock: systemClock, random: () => 0.5, version: '1', color: false },
      log: { ...silentLog, warn: (fields) => warned.push(fields) },
      stdout: (text) => (out += text),
      signal: AbortSignal.abort(),
    },
    env,
  );
  return { code, out, warned };
}

describe('an announcer of its own', () => {
  it('needs a real registry, and says so', async () => {
    await expect(announce({}, ENV)).rejects.toThrow(
      'announce needs a real registry: the embedded one is the memory of an agent. Name a registry with --registry etcd://host:2379',
    );
  });

  it('says what is missing when there is nothing to announce', async () => {
    const registries = ['etcd://127.0.0.1:1'];
    await expect(announce({ registries }, {})).rejects.toThrow(
      'there is nothing to announce: it has no ANNOUNCE_PATH in its environment; set ANNOUNCE_PATH=',
    );
    await expect(announce({ registries }, { ...ENV, PORT: 'http' })).rejects.toThrow('PORT: ');
  });

  it('ends well when it is told to, also when the registry has never been there', async () => {
    expect(await announce({ registries: ['etcd://127.0.0.1:1'] }, ENV)).toMatchObject({ code: 0, out: '' });
  });

  it('shows in a dry run what it would write and where, without a registry', async () => {
    const { code, out, warned } = await announce(
      { dryRun: 'true', 'layouts.announce.prefix': '/a' },
      {
        ...ENV,
        ANNOUNCE_PAHT: '/x',
      },
    );
    expect({ code, out }).toEqual({
      code: 0,
      out: `/a/a/dev/web/${hostname()}\n{"ID":"${hostname()}","APP":"a","ENV":"dev","SERVICE":"web","PORT":"80","TYPE":"TCP"}\n`,
    });
    expect(warned).toMatchObject([
      { reason: expect.stringContaining('did you mean ANNOUNCE_PATH?') as string },
    ]);
  });
});

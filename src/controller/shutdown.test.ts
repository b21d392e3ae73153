import { describe, expect, it } from 'vitest';
import { recordingLog } from '../../test/kit/loop.ts';
import { fail, ok, type Result } from '../core/failure.ts';
import type { SessionState } from '../core/ports.ts';
import { leaveTargets } from './shutdown.ts';

const never = new AbortController().signal;
const HELD: SessionState = { type: 'held', lease: '1', takenUp: false };

/** Leaves one registry and returns what was done and said. */
async function leave(options: {
  readonly session?: SessionState;
  readonly deregister?: boolean;
  readonly remaining?: number;
  readonly answer?: Result<void>;
}): Promise<{ readonly done: readonly string[]; readonly said: readonly string[] }> {
  const { session = HELD, deregister = true, remaining = 0, answer = ok(undefined) } = options;
  const done: string[] = [];
  const log = recordingLog();
  const answering = (what: string) => (): Promise<Result<void>> => {
    done.push(what);
    return Promise.resolve(answer);
  };
  const target = {
    name: 't',
    session,
    stop: () => Promise.resolve(void done.push('stop')),
    withdrawAll: () => {
      done.push('withdraw');
      return Promise.resolve(remaining);
    },
  };
  const writer = { retire: answering('retire'), handover: answering('handover') };
  await leaveTargets({ targets: [{ target, writer }], deregister, handoverMs: 1_000, log }, never);
  return { done, said: log.lines.map(({ level, message }) => `${level} ${message}`) };
}

describe('leaving a registry', () => {
  it('hands over, or withdraws the records first and the heartbeat last', async () => {
    expect(await leave({ deregister: false })).toEqual({
      done: ['stop', 'handover'],
      said: ['info records stay for the successor'],
    });
    expect(await leave({})).toEqual({
      done: ['stop', 'withdraw', 'retire'],
      said: ['info records withdrawn, heartbeat removed'],
    });
  });

  it('does not claim what did not happen', async () => {
    expect((await leave({ remaining: 2, answer: fail('registry-timeout') })).said).toEqual([
      'warn records could not be withdrawn and stay behind',
      'warn could not say goodbye to the registry',
    ]);
    expect((await leave({ remaining: 1 })).said).toEqual([
      'warn records could not be withdrawn and stay behind',
      'info heartbeat removed',
    ]);
    const lost = {
      type: 'lost',
      failure: { kind: 'transient', code: 'registry-timeout', message: 'm' },
    } as const;
    expect(await leave({ session: lost })).toEqual({
      done: ['stop'],
      said: ['warn could not say goodbye to the registry'],
    });
  });

  it('has nothing to say where another instance holds the owner id', async () => {
    expect(await leave({ session: { type: 'standby', holder: 'h', why: 'w' } })).toEqual({
      done: ['stop'],
      said: [],
    });
  });
});

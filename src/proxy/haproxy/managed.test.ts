import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../test/kit/clock.ts';
import { fail, ok, type Result } from '../../core/failure.ts';
import { Managed, type ProxyProcess } from './managed.ts';
import { AdminSocket } from './socket.ts';

/** A program that starts, or does not. */
class Program implements ProxyProcess {
  lives: number | undefined;
  starts = 0;
  broken = false;

  pid(): Promise<number | undefined> {
    return Promise.resolve(this.lives);
  }

  version(): Promise<Result<string>> {
    return Promise.resolve(ok('2.6.12'));
  }

  start(): Promise<Result<void>> {
    this.starts += 1;
    if (this.broken) return Promise.resolve(fail('proxy-not-started', 'broken'));
    this.lives = 100 + this.starts;
    return Promise.resolve(ok(undefined));
  }

  tidy(): Promise<void> {
    return Promise.resolve();
  }
}

function look(program: Program) {
  const clock = new VirtualClock();
  const said: string[] = [];
  const log = (_: object, text: string): void => {
    said.push(text);
  };
  const managed = new Managed({
    ...{ name: 'edge', process: program, clock },
    admin: new AdminSocket('/nowhere/admin.sock', clock),
    random: () => 0.5,
    log: { debug: log, info: log, warn: log, error: log },
  });
  return { managed, clock, said, stop: new AbortController() };
}

describe('the one who looks after an HAProxy', () => {
  it('starts it again at once when it dies, and ends nothing when it ends itself', async () => {
    const program = new Program();
    const { managed, clock, said, stop } = look(program);
    await managed.begin(stop.signal);
    const running = managed.run(stop.signal);
    await clock.advance(120_000);
    expect([program.lives, program.starts]).toEqual([101, 1]);
    program.lives = undefined;
    await clock.advance(500);
    expect([program.lives, program.starts]).toEqual([102, 2]);
    stop.abort();
    await running;
    expect(program.lives).toBe(102);
    expect(said).toEqual(['HAProxy runs', 'HAProxy has ended; it is started again', 'HAProxy runs']);
  });

  it('tries with growing pauses while it does not start, and says the reason once', async () => {
    const program = new Program();
    program.broken = true;
    const { managed, clock, said, stop } = look(program);
    await managed.begin(stop.signal);
    const running = managed.run(stop.signal);
    await clock.advance(600_000);
    const tries = program.starts;
    expect(tries).toBeGreaterThan(15);
    expect(tries).toBeLessThan(50);
    expect(said).toEqual(['HAProxy does not start']);
    program.broken = false;
    await clock.advance(31_000);
    expect(program.lives).toBe(100 + tries + 1);
    stop.abort();
    await running;
  });
});

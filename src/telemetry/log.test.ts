import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { systemClock } from './clock.ts';
import { createLog, type LogOptions } from './log.ts';
import { painter, wantsColor } from './paint.ts';

function capture(options: Partial<LogOptions>): { lines: string[]; log: ReturnType<typeof createLog> } {
  const lines: string[] = [];
  const log = createLog({
    level: 'info',
    format: 'auto',
    terminal: false,
    color: false,
    fd: 1,
    sink: (text) => lines.push(text),
    ...options,
  });
  return { lines, log };
}

describe('the log', () => {
  it('is JSON with the stable keys when nobody reads it on a terminal', () => {
    const { lines, log } = capture({});
    log.info({ service: '/a', action: 'create', duration_ms: 3 }, 'record created');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'info',
      service: '/a',
      action: 'create',
      duration_ms: 3,
      msg: 'record created',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string,
    });
  });

  it('is one line for people on a terminal, the stable keys first and in their order', () => {
    const { lines, log } = capture({ terminal: true });
    log.warn({ other: [1], reason: 'it died', target: 'etcd://a', service: '/a' }, 'record deleted');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      /^\[\d\d:\d\d:\d\d\.\d{3}\] WARN: record deleted service=\/a target=etcd:\/\/a reason="it died" other=\[1\]\n$/,
    );
  });

  it('follows the format that was asked for rather than the terminal', () => {
    const { lines, log } = capture({ terminal: true, format: 'json' });
    log.info({}, 'x');
    expect(lines[0]).toMatch(/^\{/);
  });

  it('leaves out what is less severe than asked for', () => {
    const { lines, log } = capture({ level: 'warn' });
    log.debug({}, 'a');
    log.info({}, 'b');
    log.error({}, 'c');
    expect(lines).toHaveLength(1);
  });

  it.each(['json', 'pretty'] as const)('shows no password, at any depth, as %s', (format) => {
    const { lines, log } = capture({ format });
    log.info({ password: 'hunter2', a: { token: 'hunter2', b: { secret: 'hunter2' } } }, 'x');
    expect(lines.join('')).not.toContain('hunter2');
    expect(lines.join('')).toContain('***');
  });

  it('lets no control character from outside reach a terminal', () => {
    const { lines, log } = capture({ format: 'pretty' });
    log.info({ 'k\u001b': 'v\u001b[2J\u009b', o: { x: '\u009b\u001b' } }, 'm\u0007');

    expect(lines.join('').slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  });

  it('writes all it has before the process ends', () => {
    const script = `
      import { createLog } from './src/telemetry/log.ts';
      const log = createLog({ level: 'info', format: 'json', terminal: false, color: false, fd: 1 });
      for (let n = 0; n < 1000; n += 1) log.info({ n }, 'line');
      log.flush();
      process.exit(0);`;
    const out = execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      encoding: 'utf8',
    });
    expect(out.trimEnd().split('\n')).toHaveLength(1000);
  });
});

describe('colour', () => {
  it('is for terminals, unless NO_COLOR or a dumb terminal says otherwise', () => {
    expect(wantsColor(true, {})).toBe(true);
    expect(wantsColor(false, {})).toBe(false);
    expect(wantsColor(true, { NO_COLOR: '1', FORCE_COLOR: '1' })).toBe(false);
    expect(wantsColor(true, { NO_COLOR: '' })).toBe(true);
    expect(wantsColor(true, { TERM: 'dumb' })).toBe(false);
    expect(wantsColor(false, { FORCE_COLOR: '1' })).toBe(true);
  });

  it('paints by style, or not at all', () => {
    expect(painter(true)('delete', 'x')).toBe('\u001b[31mx\u001b[39m');
    expect(painter(false)('delete', 'x')).toBe('x');
  });
});

describe('the clock of the machine', () => {
  it('calls once after the delay, and never when cancelled', async () => {
    const called: string[] = [];
    const before = systemClock.monotonic();
    systemClock.timer(5, () => called.push('cancelled'))();
    await new Promise<void>((resolve) => {
      systemClock.timer(20, () => {
        called.push('fired');
        resolve();
      });
    });
    expect(called).toEqual(['fired']);
    expect(systemClock.monotonic() - before).toBeGreaterThanOrEqual(19);
    expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1000);
  });

  it('takes a delay beyond the longest timer of Node for a long one, not for none', async () => {
    let fired = false;
    const cancel = systemClock.timer(2 ** 40, () => {
      fired = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    cancel();
    expect(fired).toBe(false);
  });
});

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const MAIN = new URL('main.ts', import.meta.url).pathname;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portolan-main-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function start(args: readonly string[]): {
  child: ChildProcess;
  ended: Promise<Ended>;
  output: () => string;
} {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...args], {
    env: {
      PATH: process.env['PATH'],
      HOME: folder,
      PORTOLAN_STATE_DIR: folder,
      DOCKER_HOST: `unix://${folder}/none`,
    },
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => (out += part));
  child.stderr.setEncoding('utf8').on('data', (part: string) => (err += part));
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code) => {
      resolve({ code, out, err });
    });
  });
  return { child, ended, output: () => out };
}

const run = (...args: readonly string[]): Promise<Ended> => start(args).ended;

describe('the process', () => {
  it('knows the version of its package', async () => {
    const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
    const { version } = JSON.parse(text) as { version: string };
    expect(await run('--version')).toEqual({ code: 0, out: `${version}\n`, err: '' });
  });

  it('reports errors on the standard error, one line each, with the exit code of their kind', async () => {
    expect(await run('health')).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringMatching(/^portolan: No agent answers.*\n$/) as string,
    });
    expect(await run('config', 'check', '-c', '/nowhere')).toMatchObject({
      code: 78,
      out: '',
      err: expect.stringMatching(/^portolan: --config: .*\n$/) as string,
    });
  });

  it('reports what the agent cannot start with without a stack trace', async () => {
    const { code, err } = await run('run', '--docker-host', 'ssh://somewhere', '--http-listen', 'off');
    expect(code).toBe(1);
    expect(err).toMatch(/^portolan: .*ssh/);
    expect(err).not.toMatch(/\n\s+at /);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'ends well at %s, even while it waits for the engine',
    async (signal) => {
      const { child, ended, output } = start(['run', '--http-listen', 'off', '--log-level', 'debug']);
      await expect.poll(output, { timeout: 40_000 }).not.toBe('');
      child.kill(signal);
      expect(await ended).toMatchObject({ code: 0, err: '' });
    },
  );

  it('keeps a SIGHUP that comes while it waits for the engine, and still ends well', async () => {
    const { child, ended, output } = start(['run', '--http-listen', 'off']);
    await expect.poll(output, { timeout: 40_000 }).toContain('waiting for the engine');
    child.kill('SIGHUP');
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 0, err: '' });
  });

  it('does not mind a reader that leaves', async () => {
    const { child, ended } = start(['config', 'schema']);
    child.stdout?.destroy();
    expect(await ended).toMatchObject({ code: 0, err: '' });
  });
});

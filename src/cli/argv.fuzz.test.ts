import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, it } from 'vitest';
import { checkPrototypes, hostileText, nearly, PROTOTYPE_NAMES, runs } from '../../test/kit/fuzz.ts';
import { SETTINGS } from '../config/settings.ts';
import { systemClock } from '../telemetry/clock.ts';
import { EXIT } from './exit.ts';
import type { CliIo } from './io.ts';
import { runCli } from './program.ts';

const quiet = (): void => undefined;
const folder = mkdtempSync(join(tmpdir(), 'portolan-argv-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function cli(argv: readonly string[]) {
  let out = '';
  let err = '';
  const io: CliIo = {
    stdout: (text) => (out += text),
    stderr: (text) => (err += text),
    terminal: false,
    color: false,
    env: { PORTOLAN_STATE_DIR: folder },
    machine: {
      uid: 1000,
      home: folder,
      stateHome: undefined,
      fullHostName: () => undefined,
      runtimeDir: undefined,
      readFile: () => {
        throw Object.assign(new Error('none'), { code: 'ENOENT' });
      },
    },
    clock: systemClock,
    random: () => 0.5,
    version: '1.2.3',
    signal: new AbortController().signal,
    openLog: () => ({ debug: quiet, info: quiet, warn: quiet, error: quiet, flush: quiet, setLevel: quiet }),
    onHangUp: () => quiet,
    agent: {
      run: () => Promise.resolve(0),
      listen: () => Promise.resolve(0),
      announce: () => Promise.resolve(0),
      diagnose: () => Promise.resolve({ version: '1', errors: 0, warnings: 0, findings: [] }),
      planOnce: () => Promise.resolve({ targets: [], proxies: [] }),
    },
  };
  return { code: await runCli(argv, io), out, err };
}

const CANARY = 'hunter2zq';
const FLAGS = SETTINGS.flatMap(({ flag }) => flag ?? []);
const flag = fc.oneof(
  fc.constantFrom(...FLAGS, ...FLAGS.map((name) => name.replace('--', '--no-')), '-c', '-o', '-w', '--live'),
  nearly(fc.constantFrom(...FLAGS)),
  hostileText.map((text) => `--${text}`),
  fc.constantFrom(...PROTOTYPE_NAMES).map((name) => `--${name}`),
);
const value = fc.oneof(
  fc.constantFrom('true', '5s', '/x', 'memory://', 'json', 'yaml', 'none', '-', '--'),
  hostileText,
);
const registry = fc.constantFrom('a:1', 'a:99999', '', 'a/x').map((host) => `etcd://user:${CANARY}@${host}`);
/** Nobody may put a password on a command line; who tries must not find it in a log. */
const passwords = fc.oneof(
  fc
    .constantFrom('--etcd-password', '--password', '--registry-password')
    .map((name) => [`${name}=${CANARY}`]),
  registry.map((url) => ['--registry', url]),
  registry.map((url) => [`--registry=${url}`]),
  registry.map((url) => [`--registri=${url}`]),
  registry.map((url) => [url]),
);
const option = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(flag, value) },
  { weight: 2, arbitrary: fc.tuple(flag, value).map(([name, text]) => [`${name}=${text}`]) },
  passwords,
);
const command = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      'run',
      'plan',
      'diff',
      'config check',
      'config print',
      'config schema',
      'version',
      'help',
    ),
  },
  fc.constantFrom('get services', 'get', 'explain web', 'explain', 'health', 'config', ''),
  fc.constantFrom(...PROTOTYPE_NAMES),
  hostileText,
  registry,
);
const words = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: option },
    value.map((text) => [text]),
  ),
  { maxLength: 4 },
);
/** A flag without its value only at the end: elsewhere it would take the next word, whatever that is. */
const argv = fc
  .tuple(command, words, fc.option(flag))
  .map(([name, options, last]) => [
    ...(/^[a-z ]+$/.test(name) ? name.split(' ') : [name]),
    ...options.flat(),
    ...(last === null ? [] : [last]),
  ]);

const CODES: readonly number[] = Object.values(EXIT);
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const UNPRINTABLE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;

describe('a hostile command line', () => {
  it('ends with a documented code and a reason, and shows no secret and no stack', async () => {
    await fc.assert(
      fc.asyncProperty(argv, async (given) => {
        const { code, out, err } = await cli(given);
        checkPrototypes();
        assert.ok(CODES.includes(code), String(code));
        if (code !== EXIT.ok && out === '') assert.match(err, /^(?:error|portolan|Usage): \S/);
        assert.doesNotMatch(err, UNPRINTABLE);
        assert.doesNotMatch(err, /\n {4}at |node_modules/);
        assert.ok(err.length < 20_000, `${err.length} characters: ${err.slice(0, 100)}`);
        assert.ok(!`${out}${err}`.includes(CANARY), `${out}${err}`);
      }),
      runs(400),
    );
  });
});

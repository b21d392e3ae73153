import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCli } from '../kit/cli.ts';

const execute = promisify(execFile);
let folder: string;
const cli = new TestCli();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portolan-completion-'));
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, out } = await cli.run(`completion ${shell}`);
    expect(code).toBe(0);
    await writeFile(join(folder, shell), out);
  }
  // In place of the agent's own answer: what an agent of several engines prints.
  const program = join(folder, 'portolan');
  await writeFile(
    program,
    '#!/bin/sh\nprintf "ENGINE  NAME   ID\\neast    shop   1\\nwest    shelf  2\\n"\n',
  );
  await chmod(program, 0o755);
});

afterAll(async () => {
  await cli.remove();
  await rm(folder, { recursive: true, force: true });
});

const run = async (program: string, ...args: readonly string[]): Promise<readonly string[]> => {
  const env = { HOME: folder, PATH: `${folder}${delimiter}${process.env['PATH'] ?? ''}`, LC_ALL: 'C' };
  const { stdout } = await execute(program, [...args], { cwd: folder, env, timeout: 30_000 });
  return stdout.split('\n').filter((line) => line !== '');
};

/** What a shell offers at the end of a line; the last word may be empty. */
const OFFERS: Readonly<Record<string, (line: string) => Promise<readonly string[]>>> = {
  bash: async (line) =>
    await run(
      'bash',
      ...['--norc', '-c'],
      'source ./bash; read -ra COMP_WORDS <<<"$0"; [[ $0 != *" " ]] || COMP_WORDS+=(""); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); compopt() { :; }; _portolan; printf "%s\\n" "${COMPREPLY[@]}"',
      line,
    ),
  // Its own functions need a terminal: these two print what would be offered.
  zsh: async (line) =>
    await run(
      'zsh',
      ...['-f', '-c'],
      `compdef() { }; source ./zsh
_describe() { for choice in "\${(@P)2}"; do word=\${choice%%:*}; [[ $word == "$words[CURRENT]"* ]] && print -r -- $word; done; true }
compadd() { shift; for word in "$@"; do [[ $word == "$words[CURRENT]"* ]] && print -r -- $word; done; true }
_files() { for word in *; do [[ $word == "$words[CURRENT]"* ]] && print -r -- $word; done; true }
words=(\${(s: :)1}); [[ $1 == *" " ]] && words+=(""); CURRENT=$#words; _portolan`,
      ...['zsh', line],
    ),
  fish: async (line) =>
    (await run('fish', '--no-config', '-c', 'source ./fish; complete -C "$argv[1]"', line)).map(
      (offered) => offered.split('\t')[0] ?? '',
    ),
};

describe.each(Object.entries(OFFERS))('the completion for %s', (_, offers) => {
  const offered = async (line: string) => [...(await offers(line))].sort();

  it('offers commands, and those below them', async () => {
    expect(await offered('portolan ')).toEqual(
      expect.arrayContaining(['announce', 'drain', 'explain', 'get', 'plan', 'run']),
    );
    expect(await offered('portolan exp')).toEqual(['explain']);
    expect(await offered('portolan config ')).toEqual(['check', 'print', 'schema']);
    expect(await offered('portolan -c fish config p')).toEqual(['print']);
  });

  it('offers the options of the command, once a dash is there', async () => {
    expect(await offered('portolan drain --wa')).toEqual(['--wait']);
    expect(await offered('portolan get --wa')).toEqual(['--watch']);
    expect(await offered('portolan run --resy')).toEqual(['--resync']);
    expect(await offered('portolan health --resy')).toEqual([]);
  });

  it('offers the values that an option or an argument may have', async () => {
    expect(await offered('portolan get ser')).toEqual(['services']);
    expect(await offered('portolan plan --output ')).toEqual(['json', 'text', 'yaml']);
    expect(await offered('portolan run --policy cr')).toEqual(['create-only']);
    expect(await offered('portolan run --etcd-ca zs')).toEqual(['zsh']);
  });

  it('offers the containers that the agent knows', async () => {
    expect(await offered('portolan explain sh')).toEqual(['shelf', 'shop']);
    expect(await offered('portolan drain sho')).toEqual(['shop']);
  });
});

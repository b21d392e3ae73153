import { mkdtempSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { eventually } from '../../../test/kit/eventually.ts';
import { repository } from '../../../test/kit/paths.ts';
import type { Bench } from './bench.ts';
import { Child } from './child.ts';
import type { Cleanup } from './cleanup.ts';

/** What a process of ours was compiled to; nothing that is measured runs from TypeScript. */
export function compiled(
  name: 'bare' | 'observer' | 'engine-socket' | 'bare-route' | 'route-load' | 'route-backends',
): string {
  return join(repository, `.cache/bench/hack/bench/${name}.js`);
}

export interface SubjectOptions {
  readonly socket: string;
  readonly etcd: string;
}

/** What is measured: the agent or the bare script, as a process. */
export interface Subject {
  readonly child: Child;
  readonly ready: () => Promise<void>;
}

export interface AgentOptions extends SubjectOptions {
  readonly owner: string;
  /** Of an earlier one, for a restart. */
  readonly stateDir?: string;
  /** What it says its host's address is; by default nobody's. */
  readonly advertise?: string;
  readonly args?: readonly string[];
}

export interface AgentSubject extends Subject {
  readonly stateDir: string;
}

/** The built agent with its defaults, but for what a machine of its own would give it. */
export function launchAgent(bench: Bench, cleanup: Cleanup, options: AgentOptions): AgentSubject {
  const stateDir = options.stateDir ?? mkdtempSync(join(bench.folder, 'state-'));
  const child = new Child({
    command: process.execPath,
    args: [
      ...[join(repository, 'dist/main.js'), 'run', '--docker-host', `unix://${options.socket}`],
      ...['--registry', options.etcd.replace('http:', 'etcd:'), '--owner-id', options.owner],
      ...['--state-dir', stateDir, '--http-listen', 'off', '--log-format', 'json'],
      ...['--advertise', options.advertise ?? '192.0.2.10', '--family', 'ipv4', ...(options.args ?? [])],
    ],
    folder: bench.folder,
    name: 'agent',
  });
  cleanup.defer(() => child.stop());
  const look = (): Promise<boolean> => {
    if (!child.isAlive) throw new Error(`the agent has ended; see ${child.logFile}`);
    return isReady(join(stateDir, 'portolan.sock'));
  };
  const ready = async (): Promise<void> => {
    await eventually(look, { deadlineMs: 300_000, everyMs: 25, what: 'the agent is ready' });
  };
  return { child, ready, stateDir };
}

async function isReady(socketPath: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const asked = request({ socketPath, path: '/readyz', agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    asked.on('error', () => {
      resolve(false);
    });
    asked.end();
  });
}

/** The bare script, or a copy of it that was changed to prove the measuring. */
export function launchBare(
  bench: Bench,
  cleanup: Cleanup,
  options: SubjectOptions & { readonly all?: boolean; readonly program?: string },
): Subject {
  let isUp = false;
  const child = new Child({
    command: process.execPath,
    args: [
      ...[options.program ?? compiled('bare'), options.socket, options.etcd],
      ...(options.all === true ? ['all'] : []),
    ],
    folder: bench.folder,
    name: 'bare',
    line: () => {
      isUp = true;
    },
  });
  cleanup.defer(() => child.stop());
  const ready = async (): Promise<void> => {
    await eventually(() => isUp, { deadlineMs: 300_000, everyMs: 25, what: 'the bare script is ready' });
  };
  return { child, ready };
}

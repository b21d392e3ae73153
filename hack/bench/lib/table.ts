import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import type { Row } from './bench.ts';

const VERDICT = { true: 'kept', false: '**broken**', undefined: 'shown' } as const;

export function markdown(rows: readonly Row[]): string {
  const lines = rows.map((row) => [
    row.measure,
    row.portolan,
    row.baseline,
    row.ratio === undefined ? '-' : `${row.ratio.toFixed(2)}x`,
    row.limit,
    VERDICT[`${row.kept}`],
  ]);
  return [
    ['measure', 'Portolan', 'baseline', 'ratio', 'limit', 'verdict'],
    ['---', '---', '---', '---', '---', '---'],
    ...lines,
  ]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

/** What the numbers were measured on: without it they mean nothing. */
export function machineFacts(): Readonly<Record<string, string | number>> {
  return {
    cores: cpus().length,
    cpu: cpus()[0]?.model ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: firstLine('uname', '-sr'),
    node: process.version,
    engine: firstLine('dockerd', '--version'),
    etcd: firstLine('etcd', '--version') || 'of the image portolan-test/etcd:3.5',
    measuredAt: new Date().toISOString(),
  };
}

function firstLine(command: string, ...args: readonly string[]): string {
  try {
    return execFileSync(command, args, { encoding: 'utf8' }).split('\n')[0] ?? '';
  } catch {
    return '';
  }
}

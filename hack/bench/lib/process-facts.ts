import { readFileSync } from 'node:fs';

/** The kernel's unit for `/proc`: a hundredth of a second on every Linux that Node runs on. */
const TICK_MS = 10;

/** What a process and its threads have used so far, milliseconds. */
export function cpuMs(pid: number): number {
  // The second field is the program's name in brackets, with whatever characters.
  const fields = readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

export interface Memory {
  readonly rssMiB: number;
  /** The highest it ever was. */
  readonly peakMiB: number;
}

export function memoryOf(pid: number): Memory {
  const text = readFileSync(`/proc/${String(pid)}/status`, 'utf8');
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) / 1024;
  return { rssMiB: field('VmRSS'), peakMiB: field('VmHWM') };
}

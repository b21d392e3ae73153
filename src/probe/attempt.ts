import type { ProbeResult, ProbeSpec } from '../core/probe.ts';

/** One place to ask. */
export interface Question {
  readonly ip: string;
  readonly port: number;
  readonly spec: ProbeSpec;
}

/** An attempt that runs: `answer` never rejects; `end` closes its sockets, whatever state they are in. */
export interface Attempt {
  readonly answer: Promise<ProbeResult>;
  readonly end: () => void;
}

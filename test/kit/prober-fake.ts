import { type Clock, type Prober, sleep } from '../../src/core/ports.ts';
import type { ProbePlan, ProbeResult } from '../../src/core/probe.ts';

const REFUSED: ProbeResult = { ok: false, why: 'refused', late: false };

/** A prober that answers as it is told, after a time that it is told, and remembers when it was asked for what. */
export class FakeProber implements Prober {
  /** What answers at an address; everything else refuses. */
  readonly answers = new Map<string, ProbeResult>();
  /** When (ms) each address was asked. */
  readonly asked = new Map<string, number[]>();
  /** How long an answer takes, milliseconds; beyond the timeout of the plan it is late. */
  delayMs: (address: string) => number = () => 0;
  running = 0;
  most = 0;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  open(address: string): void {
    this.answers.set(address, { ok: true });
  }

  close(address: string): void {
    this.answers.delete(address);
  }

  async probe({ addresses, spec }: ProbePlan, signal: AbortSignal): Promise<ProbeResult> {
    const [address = ''] = addresses;
    this.asked.set(address, [...(this.asked.get(address) ?? []), this.#clock.monotonic()]);
    this.running += 1;
    this.most = Math.max(this.most, this.running);
    const delayMs = this.delayMs(address);
    if (delayMs > 0) await sleep(this.#clock, Math.min(delayMs, spec.timeoutMs), signal);
    else await Promise.resolve();
    this.running -= 1;
    if (delayMs > spec.timeoutMs) return { ok: false, why: 'no answer', late: true };
    return this.answers.get(address) ?? REFUSED;
  }

  /** How often an address has been asked. */
  count(address: string): number {
    return this.asked.get(address)?.length ?? 0;
  }
}

export const SPEC = {
  kind: 'tcp',
  path: '/',
  host: undefined,
  status: [{ from: 200, to: 399 }],
  port: undefined,
  intervalMs: 1_000,
  timeoutMs: 500,
  startPeriodMs: 60_000,
  rise: 2,
  fall: 3,
} as const satisfies ProbePlan['spec'];

export function plan(address: string, over: Partial<ProbePlan['spec']> = {}): ProbePlan {
  return { spec: { ...SPEC, ...over }, addresses: [address], port: 80, hint: undefined };
}

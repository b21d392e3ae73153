import { hostAndPort } from '../core/ip.ts';
import type { Clock, Prober } from '../core/ports.ts';
import type { ProbePlan, ProbeResult } from '../core/probe.ts';
import type { Question } from './attempt.ts';
import { ask } from './http.ts';
import { connect } from './tcp.ts';

/** Probes over real sockets. The addresses of a plan are tried one after the other until one of them is fine. */
export function createProber(clock: Clock): Prober {
  return {
    async probe({ addresses, port, spec }: ProbePlan, signal: AbortSignal): Promise<ProbeResult> {
      if (addresses.length === 0) return { ok: false, why: 'there is no address to probe', late: false };
      const failures: Extract<ProbeResult, { ok: false }>[] = [];
      for (const ip of addresses) {
        const result = await attempt(clock, { ip, port, spec }, signal);
        if (result.ok) return result;
        failures.push(result);
        if (signal.aborted) break;
      }
      const why = failures.map((failed) => failed.why).join('; ');
      return { ok: false, why, late: failures.some(({ late }) => late) };
    },
  };
}

async function attempt(clock: Clock, question: Question, signal: AbortSignal): Promise<ProbeResult> {
  const { ip, port, spec } = question;
  const at = hostAndPort(ip, port);
  const { answer, end } = spec.kind === 'tcp' ? connect(question) : ask(question);
  let stop = (): void => undefined;
  const given = new Promise<ProbeResult>((resolve) => {
    const cancel = clock.timer(spec.timeoutMs, () => {
      resolve({ ok: false, why: `no answer within ${String(spec.timeoutMs)} ms`, late: true });
    });
    const aborted = (): void => {
      resolve({ ok: false, why: 'given up', late: false });
    };
    signal.addEventListener('abort', aborted, { once: true });
    stop = () => {
      cancel();
      signal.removeEventListener('abort', aborted);
    };
  });
  try {
    const result = await Promise.race([answer, given]);
    return result.ok ? result : { ...result, why: `${at}: ${result.why}` };
  } finally {
    stop();
    end();
  }
}

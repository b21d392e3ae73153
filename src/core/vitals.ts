import { type Container, isReady } from './container.ts';
import { type Damping, isOut } from './damping.ts';
import { hostAndPort } from './ip.ts';
import type { ProbePlan, ProbeState } from './probe.ts';

/** How an endpoint is: what its life is decided by. */
export interface Vitals {
  /** It may be in rotation. */
  readonly ready: boolean;
  /** The health check or the probe says that it does not work. */
  readonly sick: boolean;
  /** Why it is not ready, as far as its health is concerned. */
  readonly why: string | undefined;
}

export interface VitalSigns {
  /** undefined: no label asks for a probe. */
  readonly probe: { readonly plan: ProbePlan; readonly state: ProbeState } | undefined;
  readonly damping: Damping;
  /** undefined: it needs no announcement of the container itself. */
  readonly gate?: GateSign | undefined;
}

/** Whether the container has announced itself, and why it counts as if not. */
export interface GateSign {
  readonly open: boolean;
  readonly why: string | undefined;
}

/** Health check and probe must both be fine, and it must not be kept out. `at`: now, by the clock of the signs. */
export function vitalsOf(container: Container, { probe, damping, gate }: VitalSigns, at: number): Vitals {
  const unhealthy = container.state === 'running' && container.health === 'unhealthy';
  const failing = container.state === 'running' && probe?.state.verdict === 'down';
  const probed = probe === undefined || probe.state.verdict === 'up';
  const out = isOut(damping, at);
  const announced = gate?.open !== false;
  return {
    ready: isReady(container) && announced && probed && !out,
    sick: unhealthy || failing,
    why:
      whyNotReady(container, probe, gate) ??
      (out ? 'it goes up and down too often, and stays out for a while' : undefined),
  };
}

function whyNotReady(
  container: Container,
  probe: VitalSigns['probe'],
  gate: GateSign | undefined,
): string | undefined {
  if (container.state !== 'running') return `it is ${container.state}`;
  if (container.health === 'unhealthy') return 'its health check fails';
  if (container.health === 'starting') return 'its health check has not succeeded yet';
  if (gate?.open === false) return gate.why;
  return probe === undefined || probe.state.verdict === 'up' ? undefined : whyProbeFails(probe);
}

function whyProbeFails({
  plan: { addresses, hint, spec },
  state: { verdict, why },
}: NonNullable<VitalSigns['probe']>): string {
  const said = [why, hint].filter((part) => part !== undefined).join('; ');
  if (addresses.length === 0) return `it cannot be probed: ${said}`;
  switch (verdict) {
    case 'failed':
      return `its probe did not succeed within the start period of ${String(spec.startPeriodMs / 1000)}s: ${said}`;
    case 'down':
      return `its probe fails: ${said}`;
    default:
      return said === '' ? 'its probe has not answered yet' : `its probe does not succeed yet: ${said}`;
  }
}

/** What a probe does, in words. */
export function describeProbe({ spec, addresses, port }: ProbePlan): string {
  const [address = 'nowhere'] = addresses;
  const at = hostAndPort(address, port);
  const what = spec.kind === 'tcp' ? `connects to ${at}` : `GET http://${at}${spec.path}`;
  return `${what} every ${String(spec.intervalMs / 1000)}s`;
}

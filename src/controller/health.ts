import type { Gate } from '../core/announced.ts';
import type { Container } from '../core/container.ts';
import { CALM, type Damping, type DampingTerms, isOut, wentDown } from '../core/damping.ts';
import type { Description } from '../core/desired.ts';
import type { Clock, Log, Prober, Random } from '../core/ports.ts';
import { firstProbeState, inheritedProbeState, type ProbePlan, type ProbeState } from '../core/probe.ts';
import { type VitalSigns, type Vitals, vitalsOf } from '../core/vitals.ts';
import { Gates } from './gates.ts';
import { Probes } from './probes.ts';

/** `parallel` and `damping` are read when they are needed: another value counts from then on. */
export interface HealthTerms {
  readonly prober: Prober;
  /** Probes that may be under way at once. */
  readonly parallel: number;
  /** undefined: nothing is kept out for going up and down. */
  readonly damping: DampingTerms | undefined;
  readonly random: Random;
  readonly log: Log;
}

export interface HealthOptions {
  /** undefined: nothing is probed and nothing kept out; a container is as its engine says. */
  readonly terms: HealthTerms | undefined;
  readonly clock: Clock;
  /** Told that what a container offers may have become ready or not. */
  readonly onTurn: (containerId: string) => void;
}

type Described = Description['endpoints'][number];

/** What is known of one port (or of the whole container, where only its health check counts). */
interface Sign {
  readonly key: string;
  /** For the log. */
  readonly service: string;
  plan: ProbePlan | undefined;
  damping: Damping;
  /** It was well when it was last looked at; only what was up can go down. */
  up: boolean;
}

/** How an endpoint is, how it is probed, and until when (epoch ms) it is kept out. */
export interface HealthView {
  readonly vitals: Vitals;
  readonly outUntil: number | undefined;
  readonly plan: ProbePlan | undefined;
  /** The announcement of the container itself that it needs, if it needs one. */
  readonly gate: Gate | undefined;
  /** Its first probes are under way, and will end in a success or with its start period. */
  readonly undecided: boolean;
}

/** One start of one container. */
interface Chart {
  container: Container;
  readonly signs: Map<string, Sign>;
  /** Endpoint to sign. */
  readonly of: Map<string, Sign>;
  /** It was there before this process: what an earlier one found out still counts. */
  readonly inherits: boolean;
  resting: boolean;
}

/** A wrong list is put right by then. */
const MISSED_MS = 60_000;

/** The health of endpoints as probes and health checks show it, and what goes up and down too often. */
export class Health {
  readonly #options: HealthOptions;
  readonly #probes: Probes | undefined;
  readonly #gates = new Gates();
  readonly #charts = new Map<string, Chart>();
  /** Charts of containers that a list forgot, and since when (monotonic ms). */
  readonly #missing = new Map<string, number>();
  #cancelTimer: (() => void) | undefined;

  constructor(options: HealthOptions) {
    this.#options = options;
    const { terms, clock } = options;
    this.#probes =
      terms &&
      new Probes({
        prober: terms.prober,
        random: terms.random,
        get parallel() {
          return terms.parallel;
        },
        clock,
        onTurn: (...turn) => {
          this.#probeTurned(...turn);
        },
      });
  }

  /** What the container offers now. `inherits`: it has been running since before this process, and is seen for the first time. */
  follow(container: Container, described: readonly Described[], inherits: boolean): void {
    this.#gates.follow(container.id, described);
    const needed = described.some(({ probe }) => probe !== undefined) || container.health !== 'none';
    if (!needed || this.#options.terms === undefined) {
      this.#drop(container.id);
      return;
    }
    const chart = this.#chartOf(container, inherits);
    chart.container = container;
    if (this.#missing.delete(container.id)) chart.resting = false;
    chart.of.clear();
    for (const { endpoint, probe } of described)
      chart.of.set(endpoint.id, this.#signOf(chart, probe, endpoint.service));
    const used = new Set(chart.of.values());
    for (const sign of [...chart.signs.values()]) {
      if (used.has(sign)) continue;
      chart.signs.delete(sign.key);
      this.#probes?.drop(sign.key);
    }
    this.#pace(chart);
    this.#assess(chart);
  }

  forget(containerId: string): void {
    this.#gates.forget(containerId);
    this.#drop(containerId);
  }

  /** A list knows nothing of it any more. The list may be wrong: what comes back soon, with the same start, is as it was. */
  miss(containerId: string): void {
    const now = this.#options.clock.monotonic();
    this.#gates.forget(containerId);
    for (const [id, since] of this.#missing) if (now - since > MISSED_MS) this.forget(id);
    if (!this.#charts.has(containerId)) return;
    this.#missing.set(containerId, now);
    this.rest(containerId);
  }

  /** It is told to stop, and what comes of its probes means nothing. */
  rest(containerId: string): void {
    this.#setResting(containerId, true);
  }

  wake(containerId: string): void {
    this.#setResting(containerId, false);
  }

  vitals(container: Container, endpointId: string): Vitals {
    const gate = this.#gates.signOf(container.id, endpointId, this.#options.clock.now());
    const signs = { ...this.#signs(container, endpointId), gate };
    return vitalsOf(container, signs, this.#options.clock.monotonic());
  }

  view(container: Container, endpointId: string): HealthView {
    const { clock } = this.#options;
    const { damping, probe } = this.#signs(container, endpointId);
    const elapsed = clock.monotonic();
    return {
      vitals: this.vitals(container, endpointId),
      outUntil: isOut(damping, elapsed) ? Math.round(clock.now() + damping.until - elapsed) : undefined,
      plan: probe?.plan,
      gate: this.#gates.get(container.id, endpointId),
      undecided:
        probe?.state.verdict === 'starting' && this.#isProbed(this.#charts.get(container.id), probe.plan),
    };
  }

  /**
   * What an earlier process left in a registry shows how it had found the endpoint. That counts until results of our own
   * speak against it; true when it makes a difference.
   */
  inherit(containerId: string, endpointId: string, verdict: 'up' | 'down'): boolean {
    const opens = verdict === 'up' && this.#gates.inherit(containerId, endpointId);
    return this.#inheritProbe(containerId, endpointId, verdict) || opens;
  }

  #inheritProbe(containerId: string, endpointId: string, verdict: 'up' | 'down'): boolean {
    const chart = this.#charts.get(containerId);
    const sign = chart?.of.get(endpointId);
    const known = sign && this.#probes?.state(sign.key);
    if (chart?.inherits !== true || sign === undefined || known === undefined) return false;
    if (known.verdict === verdict || (verdict === 'up' && known.verdict !== 'starting')) return false;
    if (verdict === 'down') sign.up = false;
    this.#probes?.learn(sign.key, inheritedProbeState(verdict, this.#options.clock.monotonic()));
    return true;
  }

  dispose(): void {
    this.#cancelTimer?.();
    this.#probes?.dispose();
  }

  #drop(containerId: string): void {
    for (const { key } of this.#charts.get(containerId)?.signs.values() ?? []) this.#probes?.drop(key);
    this.#charts.delete(containerId);
    this.#missing.delete(containerId);
  }

  /** A new start begins anew. */
  #chartOf(container: Container, inherits: boolean): Chart {
    const known = this.#charts.get(container.id);
    const before = known?.container.startedAt;
    if (known !== undefined && (before === undefined || container.startedAt === before)) return known;
    this.#drop(container.id);
    const chart: Chart = { container, signs: new Map(), of: new Map(), inherits, resting: false };
    this.#charts.set(container.id, chart);
    return chart;
  }

  /** Endpoints whose probes go to the same place share them; those without a probe share the container's health check. */
  #signOf(chart: Chart, plan: ProbePlan | undefined, service: Described['endpoint']['service']): Sign {
    const [address = ''] = plan?.addresses ?? [];
    const { port, protocol, path } = service;
    const key =
      plan === undefined
        ? chart.container.id
        : `${chart.container.id} ${String(port)}/${protocol} ${address.includes(':') ? 'ipv6' : 'ipv4'}`;
    const sign: Sign = chart.signs.get(key) ?? {
      ...{ key, service: `/${path.join('/')}`, plan, damping: CALM, up: false },
    };
    sign.plan = plan;
    chart.signs.set(key, sign);
    if (plan !== undefined) this.#probes?.follow(key, plan, firstProbeState(this.#options.clock.monotonic()));
    return sign;
  }

  #setResting(containerId: string, resting: boolean): void {
    const chart = this.#charts.get(containerId);
    if (chart === undefined || chart.resting === resting) return;
    chart.resting = resting;
    this.#pace(chart);
  }

  /** Only what runs and has an address is probed. */
  #pace(chart: Chart): void {
    const { container, signs } = chart;
    for (const { key, plan } of signs.values()) {
      if (this.#isProbed(chart, plan)) this.#probes?.wake(key);
      else if (container.state === 'paused') this.#probes?.doubt(key);
      else this.#probes?.rest(key);
    }
  }

  #isProbed(chart: Chart | undefined, plan: ProbePlan | undefined): boolean {
    if (chart === undefined || chart.resting) return false;
    return chart.container.state === 'running' && (plan?.addresses.length ?? 0) > 0;
  }

  #signs(container: Container, endpointId: string): VitalSigns {
    const sign = this.#charts.get(container.id)?.of.get(endpointId);
    return sign === undefined ? { probe: undefined, damping: CALM } : this.#signsOf(sign);
  }

  #signsOf({ key, plan, damping }: Sign): VitalSigns {
    const state = this.#probes?.state(key);
    const probe = plan === undefined || state === undefined ? undefined : { plan, state };
    // Switched off, it also sets free what is kept out.
    return { probe, damping: this.#options.terms?.damping === undefined ? CALM : damping };
  }

  #probeTurned(key: string, before: ProbeState, after: ProbeState): void {
    const chart = this.#charts.get(key.slice(0, 64));
    const sign = chart?.signs.get(key);
    if (chart === undefined || sign === undefined) return;
    this.#assess(chart);
    const fields = { service: sign.service, container: chart.container.name, reason: after.why };
    const { log } = this.#options.terms ?? {};
    if (after.verdict === 'failed') log?.warn(fields, 'probe has not succeeded within the start period');
    if (after.verdict === 'down' && before.verdict === 'up') log?.warn(fields, 'probe fails');
    this.#options.onTurn(chart.container.id);
  }

  /** Counts what went down since it was last looked at. */
  #assess({ container, signs }: Chart): void {
    const { terms, clock } = this.#options;
    const damping = terms?.damping;
    if (damping === undefined) return;
    const at = clock.monotonic();
    for (const sign of signs.values()) {
      const { sick, ready } = vitalsOf(container, { ...this.#signsOf(sign), damping: CALM }, at);
      const down = sick && sign.up;
      sign.up = ready || (sign.up && !sick);
      if (down) this.#wentDown(container, sign, at, damping);
    }
  }

  #wentDown(container: Container, sign: Sign, at: number, terms: DampingTerms): void {
    const { until } = sign.damping;
    sign.damping = wentDown(sign.damping, at, terms);
    if (!isOut(sign.damping, at) || sign.damping.until === until) return;
    const fields = { service: sign.service, container: container.name, out_ms: sign.damping.outMs };
    this.#options.terms?.log.warn(fields, 'goes up and down too often; stays out of rotation for a while');
    this.#armTimer();
  }

  /** One timer for whatever may come back soonest. */
  #armTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const { clock, onTurn } = this.#options;
    const now = clock.monotonic();
    let next = Number.POSITIVE_INFINITY;
    for (const { signs } of this.#charts.values())
      for (const { damping } of signs.values()) if (isOut(damping, now)) next = Math.min(next, damping.until);
    if (next === Number.POSITIVE_INFINITY) return;
    this.#cancelTimer = clock.timer(Math.max(1, next - now), () => {
      const over = [...this.#charts.values()].filter(({ signs }) =>
        [...signs.values()].some(
          ({ damping }) => damping.until >= next && !isOut(damping, clock.monotonic()),
        ),
      );
      this.#armTimer();
      for (const { container } of over) onTurn(container.id);
    });
  }
}

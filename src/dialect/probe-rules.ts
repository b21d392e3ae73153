import type { ProbeSpec } from '../core/probe.ts';
import { type Reason, reason } from '../core/reason.ts';
import type { ProbeRule } from '../core/service.ts';
import type { Group, Groups } from './label-group.ts';
import type { LabelKey, Settings } from './labels.ts';
import { portName } from './port.ts';
import { PROBE_DEFAULTS, PROBE_LABELS } from './probe-labels.ts';

/** A label that only says how to probe; it publishes nothing. */
export function isProbeKey(key: LabelKey): boolean {
  return Object.hasOwn(PROBE_LABELS, key);
}

const HTTP_ONLY = ['probe.path', 'probe.host', 'probe.status'] as const satisfies readonly LabelKey[];

/** What the labels say about probes; those of a port go over those of the container, label by label. */
export function readProbes({ common, ports }: Groups): {
  readonly rules: readonly ProbeRule[];
  readonly reasons: readonly Reason[];
} {
  const own = [...ports.values()].filter(speaksOfProbes);
  const rules: ProbeRule[] = own.flatMap((group): ProbeRule[] => {
    const settings = { ...common.settings, ...group.settings };
    return group.port === undefined ? [] : [{ port: group.port, spec: specOf(settings) }];
  });
  if (speaksOfProbes(common)) rules.push({ port: undefined, spec: specOf(common.settings) });
  const reasons = own.flatMap((group) => [
    ...idleOnes(group, { ...common.settings, ...group.settings }),
    ...blindOnes(group, { ...common.settings, ...group.settings }),
  ]);
  // What the container says may be meant for a port that says the rest.
  if (own.length === 0) reasons.push(...idleOnes(common, common.settings));
  return { rules, reasons };
}

function speaksOfProbes({ labels }: Group): boolean {
  return [...labels.keys()].some(isProbeKey);
}

function specOf(settings: Settings): ProbeSpec | undefined {
  const kind = settings.probe;
  if (kind === undefined || kind === 'off') return undefined;
  return {
    kind,
    path: settings['probe.path'] ?? PROBE_DEFAULTS.path,
    host: settings['probe.host'],
    status: settings['probe.status'] ?? PROBE_DEFAULTS.status,
    port: settings['probe.port'],
    intervalMs: settings['probe.interval'] ?? PROBE_DEFAULTS.intervalMs,
    timeoutMs: settings['probe.timeout'] ?? PROBE_DEFAULTS.timeoutMs,
    startPeriodMs: settings['probe.start-period'] ?? PROBE_DEFAULTS.startPeriodMs,
    rise: settings['probe.rise'] ?? PROBE_DEFAULTS.rise,
    fall: settings['probe.fall'] ?? PROBE_DEFAULTS.fall,
  };
}

/** Labels that say nothing beside the others. */
function idleOnes({ labels, problems }: Group, { probe }: Settings): readonly Reason[] {
  const lone = probe === undefined && !problems.has('probe');
  const idle = lone ? [...labels.keys()].filter(isProbeKey) : probe === 'tcp' ? HTTP_ONLY : [];
  const remedy = lone ? 'write portolan.probe=tcp or portolan.probe=http too' : 'write portolan.probe=http';
  return idle.flatMap((key): Reason[] => {
    const about = labels.get(key);
    const why = lone ? 'says nothing without portolan.probe' : 'says nothing to a TCP probe';
    return about === undefined ? [] : [reason('bad-value', `${about} ${why}; ${remedy}`, { about })];
  });
}

/** A UDP port answers no probe. */
function blindOnes({ port, labels }: Group, settings: Settings): readonly Reason[] {
  const { probe } = settings;
  if (port?.protocol !== 'udp' || settings['probe.port'] !== undefined) return [];
  if (probe === undefined || probe === 'off') return [];
  const about = labels.get('probe') ?? portName(port);
  const message = `${about}: a UDP port cannot be probed, so it counts as ready; name a TCP port with portolan.${portName(port)}.probe.port`;
  return [reason('bad-value', message, { about })];
}

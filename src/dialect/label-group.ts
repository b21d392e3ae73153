import type { Container } from '../core/container.ts';
import { type Reason, reason } from '../core/reason.ts';
import type { UsedKey } from '../core/service.ts';
import { parseLabelName } from './label-name.ts';
import { LABELS, type LabelKey, type Parsed, parseSettings } from './labels.ts';
import { comparePorts, type PortRef, portName, protocolsOf } from './port.ts';

/** The labels of one scope, by key. */
export interface Group extends Parsed {
  /** undefined: the container as a whole. */
  readonly port: PortRef | undefined;
  /** As they were written, for reasons. */
  readonly labels: ReadonlyMap<LabelKey, string>;
}

export interface Groups {
  readonly common: Group;
  /** By port name, in the order of the ports. */
  readonly ports: ReadonlyMap<string, Group>;
}

interface RawGroup {
  readonly port: PortRef | undefined;
  readonly labels: Map<LabelKey, string>;
}

/** Sorts the labels into groups and parses each group; `labels` are sorted. */
export function collectLabels(
  container: Container,
  labels: readonly string[],
): { readonly groups: Groups; readonly used: readonly UsedKey[]; readonly reasons: readonly Reason[] } {
  const common: RawGroup = { port: undefined, labels: new Map() };
  const ports = new Map<string, RawGroup>();
  const used: UsedKey[] = [];
  const reasons: Reason[] = [];
  const protocolOf = protocolsOf(container);
  for (const label of labels) {
    const name = parseLabelName(label, protocolOf);
    if ('code' in name) {
      reasons.push(name);
      continue;
    }
    const { port, key } = name;
    const group = port === undefined ? common : (ports.get(portName(port)) ?? { port, labels: new Map() });
    if (port !== undefined) ports.set(portName(port), group);
    // `80.path` sorts before `80/tcp.path`, so that the more precise name wins.
    group.labels.set(key, label);
    used.push({ from: 'label', key: label, meaning: meaningOf(key, port) });
  }
  const sorted = [...ports.values()].sort((a, b) => byPort(a.port, b.port));
  const parsed = [common, ...sorted].map((group) => parseGroup(container, group));
  reasons.push(...parsed.flatMap(problemsOf));
  const [first = { ...common, settings: {}, problems: new Map() }, ...rest] = parsed;
  const byName = rest.flatMap((group) =>
    group.port === undefined ? [] : [[portName(group.port), group] as const],
  );
  return { groups: { common: first, ports: new Map(byName) }, used, reasons };
}

function parseGroup(container: Container, { port, labels }: RawGroup): Group {
  const raw = new Map([...labels].map(([key, label]) => [key, container.labels.get(label) ?? ''] as const));
  return { port, labels, ...parseSettings(raw) };
}

function problemsOf({ labels, problems }: Group): readonly Reason[] {
  return [...problems].map(([key, problem]) => {
    const about = labels.get(key) ?? key;
    const then = LABELS[key].leavesOut
      ? 'what it speaks about is left out'
      : `instead holds: ${LABELS[key].fallback}`;
    return reason(key === 'path' ? 'bad-path' : 'bad-value', `${about}: ${problem}; ${then}`, { about });
  });
}

function meaningOf(key: LabelKey, port: PortRef | undefined): string {
  return port === undefined ? LABELS[key].sentence : `For ${portName(port)}: ${LABELS[key].sentence}`;
}

function byPort(a: PortRef | undefined, b: PortRef | undefined): number {
  return a === undefined || b === undefined ? 0 : comparePorts(a, b);
}

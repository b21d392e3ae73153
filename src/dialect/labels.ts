import * as z from 'zod';
import { ANNOUNCERS, type Announcer } from '../core/announcer.ts';
import { parseWish } from '../core/enable.ts';
import { listed } from '../core/listed.ts';
import { parsePortNumber } from '../core/port-number.ts';
import { quoteLabel } from '../core/secretive.ts';
import { parsePath } from '../core/segment.ts';
import type { AddressFamily, AddressMode, ServiceType } from '../core/service.ts';
import { isTag, MOST_TAGS } from '../core/tag.ts';
import { label, text, word } from './label-spec.ts';
import { PROBE_LABELS } from './probe-labels.ts';
import { ROUTE_LABELS } from './route-labels.ts';

/** Why not `text`: which segment is wrong is worth telling. */
const path = z.string().transform((raw, context): readonly string[] => {
  const parsed = raw.length > 4096 ? { error: 'is too long' } : parsePath(raw.trim());
  if ('segments' in parsed) return parsed.segments;
  const remedy = 'write a path such as /internal/app1/dev/web';
  context.addIssue({ code: 'custom', message: `${quoteLabel(raw)} ${parsed.error}; ${remedy}` });
  return z.NEVER;
});

const port = text('write a container port such as 8080 or 53/udp', (value) => {
  const [, digits = '', protocol] = /^(\d+)(?:\/(tcp|udp))?$/.exec(value) ?? [];
  const number = parsePortNumber(digits);
  return number === undefined ? undefined : { port: number, protocol: protocol as 'tcp' | 'udp' | undefined };
});

const tags = text(
  'write tags of A-Z a-z 0-9 . _ ~ : @ + = / - with commas between them, at most 64',
  (value) => {
    const list = listed(value);
    return list.length <= MOST_TAGS && list.every(isTag) ? [...new Set(list)].sort() : undefined;
  },
);

const enable = text('write true or false', (value) => {
  const wish = parseWish(value);
  return wish === 'publish' || wish === 'leave-out' ? wish === 'publish' : undefined;
});

const weight = text('write a whole number from 0 to 256', (value) =>
  /^\d{1,3}$/.test(value) && Number(value) <= 256 ? Number(value) : undefined,
);

const network = text("write the name of one of the container's networks", (value) =>
  /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/.test(value) ? value : undefined,
);

/** The labels, in the order of the reference. */
export const LABELS = {
  enable: label({
    schema: enable,
    scope: 'both',
    sentence:
      'Leaves the container, or the port, out of every dialect (`false`), or publishes it although it is a one-off container of compose (`true`).',
    type: '`true` or `false`',
    example: 'portolan.enable=false',
    fallback: 'published',
    leavesOut: true,
  }),
  path: label({
    schema: path,
    scope: 'both',
    sentence: 'The path under which the service is registered; services with one path form one pool.',
    type: 'up to 16 segments of `A-Z a-z 0-9 . _ - ~ : @ + =` with slashes between them',
    example: 'portolan.path=/internal/app1/dev/web/name',
    fallback: 'compose project and service, else the name of the container',
    leavesOut: true,
  }),
  port: label({
    schema: port,
    scope: 'container',
    sentence: 'The port that `portolan.path` means, when the container has several.',
    type: 'a port, with `/udp` when it is not TCP',
    example: 'portolan.port=8080',
    fallback: 'the only published port, else the only exposed one',
    leavesOut: true,
  }),
  type: label({
    schema: word<ServiceType>('write HTTP, TCP or UDP', ['HTTP', 'TCP', 'UDP']),
    scope: 'both',
    sentence: 'How proxies are to understand the traffic.',
    type: '`HTTP`, `TCP` or `UDP`; any case',
    example: 'portolan.type=HTTP',
    fallback: '`TCP`, and `UDP` for UDP ports',
    leavesOut: false,
  }),
  tags: label({
    schema: tags,
    scope: 'both',
    sentence: 'Free words that are registered with the service.',
    type: 'words of `A-Z a-z 0-9 . _ ~ : @ + = / -` with commas between them',
    example: 'portolan.tags=blue,canary',
    fallback: 'none',
    leavesOut: false,
  }),
  weight: label({
    schema: weight,
    scope: 'both',
    sentence: 'The share of the traffic, relative to the other servers of the path.',
    type: 'a whole number from 0 to 256',
    example: 'portolan.weight=100',
    fallback: 'left to the proxy',
    leavesOut: false,
  }),
  address: label({
    schema: word<AddressMode>('write host or container', ['host', 'container']),
    scope: 'both',
    sentence: "Registers the host's address with the published port, or the container's own address.",
    type: '`host` or `container`',
    example: 'portolan.address=container',
    fallback: 'the setting `address`; the own address of macvlan and ipvlan containers',
    leavesOut: true,
  }),
  network: label({
    schema: network,
    scope: 'both',
    sentence: "The network whose address counts as the container's own.",
    type: 'the name of a network of the container',
    example: 'portolan.network=backend',
    fallback: 'the setting `network`, else the only network, else the first by name',
    leavesOut: true,
  }),
  family: label({
    schema: word<AddressFamily>('write ipv4, ipv6 or both', ['ipv4', 'ipv6', 'both']),
    scope: 'both',
    sentence: 'The address families to register.',
    type: '`ipv4`, `ipv6` or `both`',
    example: 'portolan.family=ipv4',
    fallback: 'the setting `family`',
    leavesOut: false,
  }),
  announce: label({
    schema: word<Announcer>('write agent or container', ANNOUNCERS),
    scope: 'container',
    sentence:
      'Who announces its paths: the agent, or a process inside the container, whose record in the announce layout is then awaited and never written by the agent. Port and type are those of that record.',
    type: '`agent` or `container`',
    example: 'portolan.announce=container',
    fallback: 'the setting `announcements`, for the paths of `ANNOUNCE_*` variables alone',
    leavesOut: false,
  }),
  ...PROBE_LABELS,
  ...ROUTE_LABELS,
} as const;

export type LabelKey = keyof typeof LABELS;
export const LABEL_KEYS = Object.keys(LABELS) as readonly LabelKey[];

export function isLabelKey(key: string): key is LabelKey {
  return (LABEL_KEYS as readonly string[]).includes(key);
}

/** The labels of one container or one port, parsed; what was not said or not understood is absent. */
export type Settings = { readonly [K in LabelKey]?: z.output<(typeof LABELS)[K]['schema']> };

export interface Parsed {
  readonly settings: Settings;
  /** What is wrong and the remedy, for each label that was not understood. */
  readonly problems: ReadonlyMap<LabelKey, string>;
}

/** Parses labels of one scope by the table. Never throws. */
export function parseSettings(raw: ReadonlyMap<LabelKey, string>): Parsed {
  const settings: Partial<Record<LabelKey, unknown>> = {};
  const problems = new Map<LabelKey, string>();
  for (const key of LABEL_KEYS) {
    const value = raw.get(key);
    if (value === undefined) continue;
    const result = LABELS[key].schema.safeParse(value);
    if (result.success) settings[key] = result.data;
    else problems.set(key, result.error.issues[0]?.message ?? 'is not valid');
  }
  // Each value was made by the schema of its own key, which is what the type says.
  return { settings: settings as Settings, problems };
}

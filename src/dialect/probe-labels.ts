import { formatDuration } from '../core/duration.ts';
import { parsePortNumber } from '../core/port-number.ts';
import type { StatusRange } from '../core/probe.ts';
import { label, lasting, text, word } from './label-spec.ts';

/** What holds where no label says otherwise; the numbers are those of HAProxy's checks. */
export const PROBE_DEFAULTS = {
  path: '/',
  status: [{ from: 200, to: 399 }],
  intervalMs: 2_000,
  timeoutMs: 1_000,
  startPeriodMs: 60_000,
  rise: 2,
  fall: 3,
} as const;

const times = text('write a whole number from 1 to 100', (value) =>
  /^\d{1,3}$/.test(value) && Number(value) >= 1 && Number(value) <= 100 ? Number(value) : undefined,
);

const status = text(
  'write codes from 200 to 599 or ranges of them with commas between them, such as 200,300-399',
  (value): readonly StatusRange[] | undefined => {
    const ranges = value.split(',').map((part) => /^\s*([2-5]\d\d)(?:-([2-5]\d\d))?\s*$/.exec(part));
    if (ranges.length > 20) return undefined;
    const parsed = ranges.flatMap((match) =>
      match === null ? [] : [{ from: Number(match[1]), to: Number(match[2] ?? match[1]) }],
    );
    return parsed.length === ranges.length && parsed.every(({ from, to }) => from <= to) ? parsed : undefined;
  },
);

/** How a port is found out to be ready. None of these labels publishes anything by itself. */
export const PROBE_LABELS = {
  probe: label({
    schema: word<'tcp' | 'http' | 'off'>('write tcp, http or off', ['tcp', 'http', 'off']),
    scope: 'both',
    sentence:
      "Registers the port only while a probe of the container's own address succeeds: a connection (`tcp`), or an answer to a GET (`http`).",
    type: '`tcp`, `http` or `off`; any case',
    example: 'portolan.probe=http',
    fallback: 'ready as soon as the container runs and its HEALTHCHECK, if there is one, is fine',
    leavesOut: false,
  }),
  'probe.path': label({
    schema: text('write a path of printable ASCII without blanks, such as /health', (value) =>
      /^\/[\x21-\x7e]{0,1023}$/.test(value) ? value : undefined,
    ),
    scope: 'both',
    sentence: 'What an HTTP probe asks for.',
    type: 'a path, with a query if need be',
    example: 'portolan.probe.path=/health',
    fallback: '`/`',
    leavesOut: false,
  }),
  'probe.host': label({
    schema: text('write a host name, with a port if need be', (value) =>
      /^[A-Za-z0-9]([A-Za-z0-9._-]{0,252})(?::\d{1,5})?$/.test(value) ? value : undefined,
    ),
    scope: 'both',
    sentence: 'The Host header of an HTTP probe.',
    type: 'a host name, with a port if need be',
    example: 'portolan.probe.host=shop.example',
    fallback: 'address and port',
    leavesOut: false,
  }),
  'probe.status': label({
    schema: status,
    scope: 'both',
    sentence: 'Answers of an HTTP probe that count as success; redirects are not followed.',
    type: 'codes and ranges with commas between them',
    example: 'portolan.probe.status=200,204',
    fallback: '`200-399`',
    leavesOut: false,
  }),
  'probe.port': label({
    schema: text('write a TCP port of the container, such as 8081', parsePortNumber),
    scope: 'both',
    sentence: 'Probes another TCP port of the container; a UDP port is probed only so.',
    type: 'a port number',
    example: 'portolan.probe.port=8081',
    fallback: 'the port itself',
    leavesOut: false,
  }),
  'probe.interval': label({
    schema: lasting(100, 3_600_000),
    scope: 'both',
    sentence: 'From one probe to the next.',
    type: 'a duration',
    example: 'portolan.probe.interval=10s',
    fallback: `\`${formatDuration(PROBE_DEFAULTS.intervalMs)}\``,
    leavesOut: false,
  }),
  'probe.timeout': label({
    schema: lasting(10, 30_000),
    scope: 'both',
    sentence: 'How long a probe waits for its answer.',
    type: 'a duration up to 30s',
    example: 'portolan.probe.timeout=3s',
    fallback: `\`${formatDuration(PROBE_DEFAULTS.timeoutMs)}\``,
    leavesOut: false,
  }),
  'probe.rise': label({
    schema: times,
    scope: 'both',
    sentence: 'Successes in a row that bring back what had failed; the very first success counts at once.',
    type: 'a whole number from 1 to 100',
    example: 'portolan.probe.rise=1',
    fallback: `\`${String(PROBE_DEFAULTS.rise)}\``,
    leavesOut: false,
  }),
  'probe.fall': label({
    schema: times,
    scope: 'both',
    sentence: 'Failures in a row that make what was ready drain as unhealthy.',
    type: 'a whole number from 1 to 100',
    example: 'portolan.probe.fall=5',
    fallback: `\`${String(PROBE_DEFAULTS.fall)}\``,
    leavesOut: false,
  }),
  'probe.start-period': label({
    schema: lasting(0, 3_600_000),
    scope: 'both',
    sentence:
      'How long the first success may take, tried every 100 ms; then it is reported as failed and tried at the interval.',
    type: 'a duration up to 1h',
    example: 'portolan.probe.start-period=5m',
    fallback: `\`${formatDuration(PROBE_DEFAULTS.startPeriodMs)}\``,
    leavesOut: false,
  }),
} as const;

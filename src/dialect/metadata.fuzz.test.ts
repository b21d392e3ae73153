import assert from 'node:assert/strict';
import fc from 'fast-check';
import { it, describe as suite } from 'vitest';
import { checkPrototypes, runs } from '../../test/kit/fuzz.ts';
import { hostileContainer } from '../../test/kit/hostile-containers.ts';
import { templateOf } from '../../test/kit/template.ts';
import type { Container } from '../core/container.ts';
import { describe } from '../core/desired.ts';
import { DEFAULT_TEMPLATE } from '../core/path-template.ts';
import { shown } from '../core/quote.ts';
import type { Reason } from '../core/reason.ts';
import { BALANCES, CHECK_PATH, ROUTE_PROTOCOLS, type RouteSettings } from '../core/route-settings.ts';
import type { DialectReading } from '../core/service.ts';
import { announceDialect } from './announce.ts';
import { portolanDialect } from './portolan.ts';
import { publishedDialect } from './published.ts';
import { registrarDialect } from './registrar.ts';

const dialects = [
  portolanDialect,
  announceDialect,
  registrarDialect(templateOf(DEFAULT_TEMPLATE)),
  publishedDialect,
];
const SEGMENT = /^(?!\.{1,2}$)[A-Za-z0-9._~:@+=-]{1,128}$/;
const TAG = /^[A-Za-z0-9._~:@+=/-]{1,128}$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;

function checkReason({ code, message, about = '', suggestion = '' }: Reason): void {
  assert.match(code, /^[a-z]+(?:-[a-z]+)*$/);
  assert.notEqual(message, '');
  assert.doesNotMatch(message + about + suggestion, UNPRINTABLE);
  assert.ok(message.length < 1000, message);
  assert.ok(!message.includes('hunter2'), message);
}

function checkReading(reading: DialectReading): void {
  reading.reasons.forEach(checkReason);
  for (const { settings } of reading.routes ?? []) checkRoute(settings);
  assert.ok(reading.services.length > 0 || reading.reasons.length > 0, 'nothing, and no reason');
  for (const { path, port, protocol, type, tags, weight } of reading.services) {
    for (const segment of path) assert.match(segment, SEGMENT);
    assert.ok(path.length >= 1 && path.length <= 16);
    for (const tag of tags) assert.match(tag, TAG);
    assert.deepEqual([...new Set(tags)].sort(), tags);
    assert.ok(Number.isInteger(port) && port >= 1 && port <= 65_535);
    assert.ok(protocol === 'tcp' || protocol === 'udp');
    assert.equal(type === 'UDP', protocol === 'udp');
    assert.ok(weight === undefined || (Number.isInteger(weight) && weight >= 0 && weight <= 256));
  }
}

/** Nothing that a proxy's file or command could take for anything else. */
function checkRoute({ aliases = [], balance, timeoutMs, check, retry, protocol }: RouteSettings): void {
  assert.ok(aliases.length <= 64);
  for (const alias of aliases) assert.match(alias, /^(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/);
  assert.deepEqual([...new Set(aliases)].sort(), aliases);
  assert.ok(balance === undefined || BALANCES.includes(balance));
  assert.ok(
    timeoutMs === undefined || (Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= 86_400_000),
  );
  assert.match(check ?? '/', CHECK_PATH);
  assert.ok((check ?? '').length <= 256);
  assert.ok(retry === undefined || retry);
  assert.ok(protocol === undefined || ROUTE_PROTOCOLS.includes(protocol));
}

/** Every label that was meant for us was used, or there is a reason that names it. */
function checkLabelsAccountedFor({ labels }: Container, { used, reasons }: DialectReading): void {
  const named = new Set([...used.map(({ key }) => key), ...reasons.map(({ about }) => about)]);
  for (const label of labels.keys())
    if (/^portolan\./i.test(label)) assert.ok(named.has(label) || named.has(shown(label)), label);
}

suite('hostile labels and variables', () => {
  it('never make a dialect throw, and what it reads is sound', () => {
    fc.assert(
      fc.property(hostileContainer(1), (of) => {
        for (const dialect of dialects) {
          const reading = dialect.read(of);
          assert.equal(reading.dialect, dialect.name);
          checkReading(reading);
          if (dialect === portolanDialect) checkLabelsAccountedFor(of, reading);
        }
        checkPrototypes();
      }),
      runs(1500),
    );
  });

  it('leave nothing out without a reason', () => {
    fc.assert(
      fc.property(
        hostileContainer(1),
        fc.constantFrom('host' as const, 'container' as const),
        (of, address) => {
          const { readings, endpoints, reasons } = describe(of, {
            host: { ipv4: '10.0.0.5', ipv6: undefined, origin: 'literal' },
            defaults: { address, network: undefined, family: 'both' },
            oneOff: false,
            dialects,
            disabledDialects: [],
            find: () => undefined,
          });
          reasons.forEach(checkReason);
          for (const { address: why } of endpoints) checkReason(why);
          const offered = new Set(endpoints.map(({ endpoint: { service } }) => nameOf(service)));
          for (const service of readings.flatMap(({ services }) => services))
            assert.ok(offered.has(nameOf(service)) || reasons.length > 0, nameOf(service));
          const told = [...reasons, ...readings.flatMap((reading) => reading.reasons)];
          for (const { port, protocol } of of.ports) {
            const found = [...offered].some((name) => name.startsWith(`${port}/${protocol} `));
            assert.ok(found || told.length > 0, `${port}/${protocol}`);
          }
        },
      ),
      runs(1000),
    );
  });
});

const nameOf = ({
  port,
  protocol,
  path,
}: {
  port: number;
  protocol: string;
  path: readonly string[];
}): string => `${port}/${protocol} ${path.join('/')}`;

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkPrototypes, hostileText, PROTOTYPE_NAMES, runs } from '../../../test/kit/fuzz.ts';
import { hostileJson, mutated } from '../../../test/kit/hostile-json.ts';
import type { Container } from '../../core/container.ts';
import { readRow } from './row.ts';
import { networkReferences, readInspection, toContainer, toProvisional } from './schema.ts';

const load = (name: string): unknown =>
  JSON.parse(
    readFileSync(new URL(`../../../test/fixtures/engine-20.10/${name}.json`, import.meta.url), 'utf8'),
  );

/** What crosses a socket: infinite numbers and the like do not. */
const sent = (json: unknown): unknown => JSON.parse(JSON.stringify(json));

const portKey = fc.oneof(
  fc.constantFrom('80/tcp', '53/udp', '1/sctp', '80', ...PROTOTYPE_NAMES),
  hostileText,
);
const binding = fc.oneof(
  fc.record({ HostIp: fc.oneof(fc.constant('0.0.0.0'), hostileText), HostPort: hostileText }),
  fc.constantFrom({ HostPort: '80' }, { HostPort: '0' }, { HostPort: '8000-8010' }, {}),
);
const portMap = fc.dictionary(portKey, fc.oneof(fc.constant(null), fc.array(binding, { maxLength: 2 })), {
  maxKeys: 4,
});

/** A whole inspection whose maps have keys that nobody expects: an image may name its ports as it likes. */
const hostileMaps = fc
  .record({
    exposed: fc.dictionary(portKey, fc.constant({}), { maxKeys: 4 }),
    requested: portMap,
    published: portMap,
    labels: fc.dictionary(hostileText, hostileText, { maxKeys: 4 }),
    env: fc.array(hostileText, { maxLength: 4 }),
    publishAll: fc.boolean(),
    stop: fc.record({ StopSignal: hostileText, StopTimeout: hostileJson }),
    network: hostileText,
  })
  .map(({ exposed, requested, published, labels, env, publishAll, stop, network }) => ({
    Id: 'a'.repeat(64),
    Name: '/x',
    State: { Status: 'running' },
    HostConfig: { NetworkMode: network, PortBindings: requested, PublishAllPorts: publishAll },
    Config: { ExposedPorts: exposed, Labels: labels, Env: env, ...stop },
    NetworkSettings: { Ports: published, Networks: { [network]: { IPAddress: network } } },
  }));

const anyInspection = fc.oneof(
  hostileMaps,
  ...['running', 'created', 'host', 'shared', 'exited'].map((name) => mutated(load(name))),
  hostileJson,
);

function checkFacts(facts: Container): void {
  for (const { port, bindings } of facts.ports) {
    for (const number of [port, ...bindings.map(({ hostPort }) => hostPort)]) {
      expect(Number.isInteger(number)).toBe(true);
      expect(number).toBeGreaterThanOrEqual(1);
      expect(number).toBeLessThanOrEqual(65_535);
    }
  }
  // A moment that is added to them must still be a moment.
  expect(Number.isSafeInteger(facts.createdAt)).toBe(true);
  expect(Number.isSafeInteger(Math.ceil(facts.stopTimeoutMs))).toBe(true);
  expect(facts.stopTimeoutMs).toBeGreaterThanOrEqual(0);
  for (const [name, value] of [...facts.labels, ...facts.env])
    expect([typeof name, typeof value]).toEqual(['string', 'string']);
}

describe('an inspection of any shape', () => {
  it('gives facts of the right type, or says which field cannot be read', () => {
    fc.assert(
      fc.property(anyInspection, (json) => {
        const result = readInspection(sent(json));
        checkPrototypes();
        if (!result.ok) {
          expect(result.problem).toMatch(/^(?:Id|Name|State(?:\.Status)?)?: \S/);
          expect(result.problem.length).toBeLessThan(200);
          return;
        }
        checkFacts(toContainer(result.inspection, ({ id, name }) => (id === name ? undefined : 'bridge')));
        checkFacts(toProvisional(result.inspection));
        for (const { id, name } of networkReferences(result.inspection))
          expect([typeof id, typeof name]).toEqual(['string', 'string']);
        checkPrototypes();
      }),
      runs(1500),
    );
  });
});

describe('a field that cannot be read', () => {
  const running = load('running') as Record<'Config', Record<string, unknown>>;
  const facts = (json: unknown): Container => {
    const result = readInspection(sent(json));
    if (!result.ok) throw new Error(result.problem);
    return toContainer(result.inspection, () => 'bridge');
  };

  it('costs no other', () => {
    const before = facts(running);
    const field = fc.constantFrom(
      'Env',
      'Labels',
      'ExposedPorts',
      'Healthcheck',
      'StopTimeout',
      'Hostname',
      'Image',
    );
    fc.assert(
      fc.property(field, hostileJson, (name, value) => {
        const { labels, env, hostname } = facts({ ...running, Config: { ...running.Config, [name]: value } });
        if (name !== 'Env') expect(env).toEqual(before.env);
        if (name !== 'Labels') expect(labels).toEqual(before.labels);
        if (name !== 'Hostname') expect(hostname).toBe(before.hostname);
      }),
      runs(400),
    );
  });
});

describe('a row of the container list of any shape', () => {
  it('is read or left out', () => {
    const [row] = load('list') as [unknown];
    fc.assert(
      fc.property(fc.oneof(mutated(row), hostileJson), (json) => {
        const read = readRow(sent(json));
        checkPrototypes();
        if (read === undefined) return;
        expect(read.id).toMatch(/^[0-9a-f]{64}$/);
        expect(read.alive).toBeTypeOf('boolean');
        expect(['string', 'undefined']).toContain(typeof read.fingerprint);
      }),
      runs(800),
    );
  });
});

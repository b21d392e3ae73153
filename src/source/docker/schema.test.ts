import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readEvent } from './event.ts';
import { fixedPortsOf, portsOf } from './ports.ts';
import { readRow } from './row.ts';
import { mayBeProvisional, readInspection, toContainer, toProvisional } from './schema.ts';
import { signalName } from './signal-name.ts';

const load = (name: string): string =>
  readFileSync(new URL(`../../../test/fixtures/engine-20.10/${name}`, import.meta.url), 'utf8');

type Json = Record<string, Record<string, unknown>>;
const sample = (name: string): Json => JSON.parse(load(`${name}.json`)) as Json;

function inspectionOf(json: unknown) {
  const result = readInspection(json);
  if (!result.ok) throw new Error(result.problem);
  return result.inspection;
}

const factsOf = (json: unknown, driver: string | undefined = 'bridge') =>
  toContainer(inspectionOf(json), () => driver);

describe('inspections of engine 20.10', () => {
  it('reads a running container', () => {
    expect(factsOf(sample('running'))).toEqual({
      id: 'a18ee7c057e8e8205df4b17772a6f9bb7bd31e9cf0b43845223bbcb260c29c94',
      name: 'cap1',
      hostname: 'a18ee7c057e8',
      image: 'portolan-test/bb:1',
      labels: new Map([
        ['portolan.recipe', '66afc86c7269'],
        ['portolan.test', 'cap'],
      ]),
      env: new Map([
        ['A', 'b'],
        ['C', 'd=e'],
        ['PATH', '/usr/bin'],
      ]),
      createdAt: Date.parse('2026-11-21T05:46:19.641Z'),
      startedAt: '2026-11-21T05:46:20.153756285Z',
      state: 'running',
      health: 'starting',
      networkMode: 'capnet',
      networks: [{ name: 'capnet', driver: 'bridge', ipv4: '10.123.0.2', ipv6: 'fd00:dead::2' }],
      ports: [
        {
          port: 53,
          protocol: 'udp',
          bindings: [
            { hostIp: '0.0.0.0', hostPort: 5353 },
            { hostIp: '::', hostPort: 5353 },
          ],
        },
        {
          port: 80,
          protocol: 'tcp',
          bindings: [
            { hostIp: '0.0.0.0', hostPort: 18080 },
            { hostIp: '::', hostPort: 18080 },
          ],
        },
        { port: 7001, protocol: 'tcp', bindings: [{ hostIp: '127.0.0.1', hostPort: 32768 }] },
      ],
      stopSignal: 'SIGTERM',
      stopTimeoutMs: 3000,
      provisional: false,
    });
  });

  it('foretells a created one, without the port that the engine still has to choose', () => {
    const facts = toProvisional(inspectionOf(sample('created')));
    expect(facts).toMatchObject({
      name: 'cap1',
      state: 'running',
      health: 'starting',
      networks: [],
      startedAt: undefined,
      provisional: true,
    });
    expect(facts.ports).toEqual([
      { port: 53, protocol: 'udp', bindings: [{ hostIp: '0.0.0.0', hostPort: 5353 }] },
      { port: 80, protocol: 'tcp', bindings: [{ hostIp: '0.0.0.0', hostPort: 18080 }] },
    ]);
    expect(mayBeProvisional(facts)).toBe(true);
  });

  it('reads one on the host network and one in its network', () => {
    const host = factsOf(sample('host'), 'host');
    expect(host).toMatchObject({ networkMode: 'host', hostname: 'vm', health: 'none' });
    expect(host.networks).toEqual([{ name: 'host', driver: 'host', ipv4: undefined, ipv6: undefined }]);
    expect(host.ports).toEqual([
      { port: 80, protocol: 'tcp', bindings: [] },
      { port: 7001, protocol: 'tcp', bindings: [] },
    ]);
    const shared = factsOf(sample('shared'));
    expect(shared.networkMode).toBe(`container:${host.id}`);
    expect(shared.networks).toEqual([]);
    expect(mayBeProvisional(shared)).toBe(false);
  });

  it('reads one that has exited', () => {
    expect(factsOf(sample('exited'))).toMatchObject({ state: 'exited', name: 'cap2' });
  });
});

describe('leniency', () => {
  const least = { Id: 'a'.repeat(64), Name: 'x', State: { Status: 'running' } };

  it('takes defaults for what is missing', () => {
    expect(factsOf(least)).toMatchObject({
      stopSignal: 'SIGTERM',
      stopTimeoutMs: 10_000,
      health: 'none',
      networkMode: '',
      ports: [],
      networks: [],
    });
    expect(mayBeProvisional(factsOf(least))).toBe(false);
  });

  it('does not fail for any value of any optional field', () => {
    const optional = ['Created', 'HostConfig', 'Config', 'NetworkSettings'];
    fc.assert(
      fc.property(fc.constantFrom(...optional), fc.jsonValue(), (field, value) => {
        expect(readInspection({ ...least, [field]: value }).ok).toBe(true);
      }),
    );
    fc.assert(
      fc.property(fc.string(), fc.jsonValue(), (field, value) => {
        expect(readInspection({ ...least, Config: { [field]: value, Env: value, Labels: value } }).ok).toBe(
          true,
        );
      }),
    );
  });

  it('says what is wrong when the identity is missing', () => {
    expect(readInspection({ ...least, Id: 'short' })).toMatchObject({ ok: false });
    expect(readInspection({ ...least, State: {} })).toMatchObject({
      ok: false,
      problem: expect.stringContaining('State.Status') as string,
    });
    expect(readInspection('nonsense').ok).toBe(false);
  });

  it('cuts a stop timeout with which no moment can be reckoned', () => {
    for (const StopTimeout of [1e308, 2 ** 63])
      expect(factsOf({ ...least, Config: { StopTimeout } }).stopTimeoutMs).toBe(315_360_000_000);
  });

  it('takes health only from an enabled HEALTHCHECK', () => {
    const withTest = (...Test: string[]) => ({
      ...least,
      State: { Status: 'running', Health: { Status: 'healthy' } },
      Config: { Healthcheck: { Test } },
    });
    expect(factsOf(withTest('CMD', 'true')).health).toBe('healthy');
    expect(factsOf(withTest('NONE')).health).toBe('none');
    expect(factsOf(withTest()).health).toBe('none');
  });

  it('reads words of Podman', () => {
    const podman = {
      ...least,
      State: { Status: 'stopped', StartedAt: '0001-01-01T00:00:00Z' },
      NetworkSettings: { Ports: { '80/tcp': [{ HostIp: '', HostPort: '8080' }] }, Networks: null },
    };
    expect(factsOf(podman)).toMatchObject({ state: 'exited', startedAt: undefined });
    expect(factsOf(podman).ports[0]?.bindings).toEqual([{ hostIp: '0.0.0.0', hostPort: 8080 }]);
  });
});

describe('ports', () => {
  it('sorts IPv4 before IPv6 and says each binding once', () => {
    const bindings = [
      { HostIp: '::', HostPort: '80' },
      { HostIp: '10.0.0.2', HostPort: '80' },
      { HostIp: '10.0.0.1', HostPort: '81' },
      { HostIp: '10.0.0.2', HostPort: '80' },
    ];
    expect(portsOf(['80/tcp', 'bad', '0/tcp', '70000/tcp'], { '80/tcp': bindings })).toEqual([
      {
        port: 80,
        protocol: 'tcp',
        bindings: [
          { hostIp: '10.0.0.1', hostPort: 81 },
          { hostIp: '10.0.0.2', hostPort: 80 },
          { hostIp: '::', hostPort: 80 },
        ],
      },
    ]);
  });

  it('gives the same ports in any order of the input', () => {
    const raw = Object.entries({
      '80/tcp': [{ HostPort: '1' }, { HostPort: '2', HostIp: '::1' }],
      '53/udp': null,
      '53/tcp': [{ HostPort: '9' }],
    });
    const expected = portsOf(['53/udp', '1/tcp'], Object.fromEntries(raw));
    fc.assert(
      fc.property(fc.shuffledSubarray(raw, { minLength: raw.length }), (shuffled) => {
        expect(portsOf(['1/tcp', '53/udp'], Object.fromEntries(shuffled))).toEqual(expected);
      }),
    );
  });

  it('ignores an exposed port that has the name of something that every object has', () => {
    for (const name of ['constructor', '__proto__', 'toString'])
      expect(fixedPortsOf([name, '80/tcp'], {}, false)).toEqual([
        { port: 80, protocol: 'tcp', bindings: [] },
      ]);
  });

  it('knows before the start only what is fixed', () => {
    expect(fixedPortsOf(['80/tcp', '81/tcp'], { '80/tcp': [{ HostPort: '8000-8010' }] }, false)).toEqual([
      { port: 81, protocol: 'tcp', bindings: [] },
    ]);
    expect(fixedPortsOf(['80/tcp', '81/tcp'], { '80/tcp': [{ HostPort: '80' }] }, true)).toEqual([
      { port: 80, protocol: 'tcp', bindings: [{ hostIp: '0.0.0.0', hostPort: 80 }] },
    ]);
  });
});

describe('list rows', () => {
  const [row] = JSON.parse(load('list.json')) as [Record<string, unknown>];

  it('changes its fingerprint with state, health, name, ports and endpoints, but not with time', () => {
    const fingerprint = (change: object) => readRow({ ...row, ...change })?.fingerprint;
    const before = fingerprint({});
    expect(before).toBeDefined();
    expect(fingerprint({ Status: 'Up 7 minutes (health: starting)' })).toBe(before);
    expect(fingerprint({ Status: 'Up 7 minutes (healthy)' })).not.toBe(before);
    expect(fingerprint({ Names: ['/other'] })).not.toBe(before);
    expect(fingerprint({ State: 'paused' })).not.toBe(before);
    expect(fingerprint({ Ports: [] })).not.toBe(before);
    expect(fingerprint({ NetworkSettings: { Networks: { a: { EndpointID: 'b' } } } })).not.toBe(before);
  });

  it('does not vouch for a young container without endpoints', () => {
    const lonely = { ...row, NetworkSettings: { Networks: {} } };
    expect(readRow({ ...lonely, Status: 'Up 5 seconds' })).toMatchObject({
      alive: true,
      fingerprint: undefined,
    });
    expect(readRow({ ...lonely, Status: 'Up 3 hours' })?.fingerprint).toBeDefined();
  });

  it('takes a row without a state for alive: the inspection will tell', () => {
    expect(readRow({ Id: 'a'.repeat(64) })).toMatchObject({ alive: true, fingerprint: undefined });
    expect(readRow({ Id: 'nonsense' })).toBeUndefined();
  });
});

describe('events of engine 20.10', () => {
  const events = load('events.jsonl')
    .trim()
    .split('\n')
    .map((line) => readEvent(JSON.parse(line)));

  it('reads them all', () => {
    expect(events).not.toContain(undefined);
    const keys = new Set(events.map((event) => event?.key));
    expect(keys.size).toBe(events.length);
  });

  it('finds the container of a network event, and the driver', () => {
    const connect = events.find((event) => event?.action === 'connect');
    expect(connect?.container).toMatch(/^a18ee7c057e8/);
    expect(connect?.network).toMatchObject({ name: 'capnet', driver: 'bridge' });
  });

  it('reads the signal of a kill', () => {
    const signals = events
      .filter((event) => event?.action === 'kill')
      .map((event) => signalName(event?.signal));
    expect(signals.slice(0, 3)).toEqual(['SIGHUP', 'SIGTERM', 'SIGKILL']);
  });

  it('takes a time that no date can name for one that was not told', () => {
    const event = { Type: 'container', Action: 'die', Actor: { ID: 'a' } };
    expect(readEvent({ ...event, time: 5, timeNano: 1e308 })?.at).toBe(5000);
    expect(readEvent({ ...event, time: -1e308 })?.at).toBe(0);
  });

  it('ignores what is no event', () => {
    expect(readEvent({ Type: 'image', Action: 'pull', Actor: { ID: 'x' } })).toBeUndefined();
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(readEvent(value)).toBeUndefined();
      }),
    );
  });
});

it.each([
  ['15', 'SIGTERM'],
  ['TERM', 'SIGTERM'],
  ['sigquit', 'SIGQUIT'],
  ['', 'SIGTERM'],
  [undefined, 'SIGTERM'],
  ['37', 'SIGRTMIN+3'],
  ['SIGRTMIN+3', 'SIGRTMIN+3'],
  ['RTMAX-27', 'SIGRTMIN+3'],
  ['34', 'SIGRTMIN'],
  ['IOT', 'SIGABRT'],
  ['99', 'SIG99'],
])('signal %s is %s', (text, name) => {
  expect(signalName(text)).toBe(name);
});

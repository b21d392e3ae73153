import fc from 'fast-check';
import type { Container } from '../../src/core/container.ts';
import { LABEL_KEYS, LABELS, type LabelKey } from '../../src/dialect/labels.ts';
import { VARIABLES } from '../../src/dialect/variables.ts';
import { readInspection, toContainer, toProvisional } from '../../src/source/docker/schema.ts';
import { container, containerId } from './containers.ts';
import { hostileText, nearly, PROTOTYPE_NAMES } from './fuzz.ts';

const PORTS = ['53', '80', '443', '9090'] as const;
const port = fc.constantFrom(...PORTS);
const withProtocol = fc.tuple(port, fc.constantFrom('tcp', 'udp', 'sctp')).map((parts) => parts.join('/'));

/** What the reference gives as an example, and other values that are right. */
function rightValue(key: LabelKey): fc.Arbitrary<string> {
  const { example } = LABELS[key];
  const more: Partial<Record<LabelKey, readonly string[]>> = {
    enable: ['true'],
    path: ['/web', '/a/b/c'],
    port: ['80', '53/udp'],
    type: ['tcp', 'UDP'],
    address: ['host'],
    network: ['back', 'front'],
    family: ['ipv6', 'both'],
  };
  return fc.constantFrom(example.slice(example.indexOf('=') + 1), ...(more[key] ?? []));
}

const valueFor = (right: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.oneof({ weight: 3, arbitrary: right }, { weight: 2, arbitrary: nearly(right) }, hostileText);

const ownLabel = fc.constantFrom(...LABEL_KEYS).chain((key) => {
  const name = fc.oneof(
    fc.constant(`portolan.${key}`),
    port.map((number) => `portolan.${number}.${key}`),
    withProtocol.map((where) => `portolan.${where}.${key}`),
    nearly(fc.constant(`portolan.${key}`)),
    hostileText.map((text) => `portolan.${text}.${key}`),
  );
  return fc.tuple(name, valueFor(rightValue(key)));
});
const OTHERS = [
  'com.docker.compose.project',
  'com.docker.compose.service',
  'com.docker.compose.oneoff',
  'com.docker.swarm.service.id',
  ...PROTOTYPE_NAMES,
];
const otherLabel = fc.tuple(
  fc.oneof(
    fc.constantFrom(...OTHERS),
    hostileText,
    hostileText.map((text) => `portolan.${text}`),
  ),
  valueFor(fc.constantFrom('shop', 'true', 'False')),
);

const VALUES = new Map(Object.values(VARIABLES).map(({ name, example }) => [name, example]));
const variable = fc.constantFrom(...VALUES).chain(([pattern, example]) => {
  const name = port.map((number) => pattern.replace('<port>', number));
  const value = valueFor(fc.constant(example.slice(example.indexOf('=') + 1)));
  return fc
    .tuple(fc.oneof({ weight: 4, arbitrary: name }, nearly(name)), value)
    .map((parts) => parts.join('='));
});
const ofRegistrar = fc
  .tuple(
    fc.oneof(
      fc.constantFrom('ENVIRONMENT', 'NAME', 'TAGS', 'SERVICE_80_TAGS', 'SERVICE_53_NAME', 'SERVICE_99_NAME'),
      nearly(fc.constantFrom('SERVICE_80_NAME', 'SERVICE_80_TAGS')),
      hostileText.map((text) => `SERVICE_${text}`),
    ),
    valueFor(fc.constantFrom('prod', 'apache', 'a,b', 'a/b')),
  )
  .map((parts) => parts.join('='));
const otherVariable = fc.oneof(
  hostileText,
  fc.tuple(hostileText, hostileText).map(([name, value]) => `ANNOUNCE_${name}=${value}`),
  fc.constantFrom('PATH=/bin', 'SECRET=hunter2', '__proto__=x', '=', 'ANNOUNCE_PATH'),
);

const ip = fc.oneof(
  fc.constantFrom('', '0.0.0.0', '::', '127.0.0.1', '::1', '192.0.2.7', 'fd00::7', '::ffff:127.0.0.1'),
  nearly(fc.constantFrom('192.0.2.7', 'fd00::7')),
  hostileText,
);
const hostPort = fc.oneof(
  fc.constantFrom('0', '80', '32768', '65536', '-1', '8000-8010', ''),
  nearly(fc.constant('80')),
);
const bindings = fc.array(fc.record({ HostIp: ip, HostPort: hostPort }), { maxLength: 3 });
const portKey = fc.oneof({ weight: 5, arbitrary: withProtocol }, nearly(withProtocol), hostileText);
const portMap = fc.dictionary(portKey, fc.option(bindings), { maxKeys: 4 });
const networks = fc.dictionary(
  fc.oneof(fc.constantFrom('back', 'front', 'ingress', 'bridge'), hostileText),
  fc.record({ NetworkID: hostileText, IPAddress: ip, GlobalIPv6Address: ip }),
  { maxKeys: 3 },
);

/** Paths and host names that others have: whoever takes them must not get what belongs to them. */
export interface Victim {
  readonly id: string;
  readonly hostname: string;
  readonly path: string;
}

/** An inspection as an engine could send it, of a container that somebody wrote with bad intent. */
function hostileInspection(n: number, victims: readonly Victim[]): fc.Arbitrary<object> {
  const stolen = (pick: (victim: Victim) => string): fc.Arbitrary<string>[] =>
    victims.length === 0 ? [] : [fc.constantFrom(...victims.map(pick))];
  const path = fc.tuple(
    fc.constantFrom('portolan.path', 'portolan.80.path'),
    fc.oneof(hostileText, ...stolen((victim) => victim.path)),
  );
  const mode = fc.oneof(
    fc.constantFrom('bridge', 'host', 'none', 'back', 'container:'),
    hostileText,
    ...stolen((victim) => `container:${victim.id}`),
  );
  return fc
    .record({
      name: hostileText,
      hostname: fc.oneof(hostileText, ...stolen((victim) => victim.hostname)),
      labels: fc.array(fc.oneof({ weight: 4, arbitrary: ownLabel }, otherLabel, path), { maxLength: 7 }),
      env: fc.array(fc.oneof({ weight: 3, arbitrary: variable }, ofRegistrar, otherVariable), {
        maxLength: 6,
      }),
      exposed: fc.dictionary(portKey, fc.constant({}), { maxKeys: 4 }),
      mode,
      networks,
      published: portMap,
      requested: portMap,
    })
    .map((it) => ({
      Id: containerId(n),
      Name: `/${it.name}`,
      Created: new Date(n).toISOString(),
      State: { Status: 'running', StartedAt: '2026-01-01T00:00:00Z' },
      HostConfig: { NetworkMode: it.mode, PortBindings: it.requested },
      Config: {
        Hostname: it.hostname,
        Image: 'image:1',
        Env: it.env,
        Labels: Object.fromEntries(it.labels),
        ExposedPorts: it.exposed,
      },
      NetworkSettings: { Ports: it.published, Networks: it.networks },
    }));
}

/** Well written, but under the name of another. */
function thief(n: number, victims: readonly Victim[]): fc.Arbitrary<Container> {
  return fc
    .tuple(fc.constantFrom(...victims), fc.constantFrom('80', '53/udp'), ip)
    .map(([{ hostname, path }, named, hostIp]) =>
      container(n, {
        hostname,
        labels: new Map([[`portolan.${named}.path`, path]]),
        ports: [{ port: 80, protocol: 'tcp', bindings: [{ hostIp, hostPort: 30_099 }] }],
      }),
    );
}

const DRIVERS = ['bridge', 'macvlan', 'ipvlan', undefined] as const;

/** A hostile container, as the source hands it on: what the engine's answer cannot carry is not tried. */
export function hostileContainer(n: number, victims: readonly Victim[] = []): fc.Arbitrary<Container> {
  const written = fc
    .tuple(hostileInspection(n, victims), fc.constantFrom(...DRIVERS), fc.boolean())
    .map(([json, driver, early]) => {
      const read = readInspection(JSON.parse(JSON.stringify(json)));
      if (!read.ok) throw new Error(`an inspection that cannot be read tries nothing: ${read.problem}`);
      return early ? toProvisional(read.inspection) : toContainer(read.inspection, () => driver);
    });
  return victims.length === 0 ? written : fc.oneof({ weight: 4, arbitrary: written }, thief(n, victims));
}

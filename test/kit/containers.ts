import type { Container } from '../../src/core/container.ts';
import type { Description } from '../../src/core/desired.ts';
import { type Endpoint, endpointId, keyIdOf } from '../../src/core/endpoint.ts';
import { reason } from '../../src/core/reason.ts';

/** A 64-digit container id that begins with a readable number. */
export function containerId(n: number): string {
  return String(n).padStart(12, '0').padEnd(64, 'f');
}

/** A running container with one published port, changed by `over`. */
export function container(n: number, over: Partial<Container> = {}): Container {
  const id = containerId(n);
  return {
    id,
    name: `c${String(n)}`,
    hostname: id.slice(0, 12),
    image: 'image:1',
    labels: new Map(),
    env: new Map(),
    createdAt: n,
    startedAt: '2026-01-01T00:00:00Z',
    state: 'running',
    health: 'none',
    networkMode: 'bridge',
    networks: [{ name: 'bridge', driver: 'bridge', ipv4: '172.17.0.2', ipv6: undefined }],
    ports: [{ port: 80, protocol: 'tcp', bindings: [{ hostIp: '0.0.0.0', hostPort: 30_000 + n }] }],
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 10_000,
    provisional: false,
    ...over,
  };
}

/** Describes every running container as one endpoint at `/app/<name>`: enough for tests of what comes after. */
export function describeSimply(of: Container): Description {
  const binding = of.ports[0]?.bindings[0];
  if ((of.state !== 'running' && of.state !== 'paused') || binding === undefined)
    return { readings: [], endpoints: [], reasons: [reason('not-running', 'not running')] };
  const path = (of.labels.get('portolan.path') ?? `/app/${of.name}`).split('/').filter(Boolean);
  const endpoint: Endpoint = {
    id: endpointId(of.id, path, 80, 'tcp', 0),
    containerId: of.id,
    containerName: of.name,
    container: { hostname: of.hostname, image: of.image, env: of.env },
    service: {
      dialect: 'published',
      path,
      port: 80,
      protocol: 'tcp',
      type: 'TCP',
      tags: [],
      weight: undefined,
      address: undefined,
      network: undefined,
      family: undefined,
    },
    ip: '10.0.0.1',
    port: binding.hostPort,
    scope: binding.hostIp === '127.0.0.1' ? 'host' : 'routable',
    first: true,
    keyId: keyIdOf(of),
    createdAt: of.createdAt,
  };
  return {
    readings: [],
    endpoints: [{ endpoint, address: reason('address-chosen', 'the only one') }],
    reasons: [],
  };
}

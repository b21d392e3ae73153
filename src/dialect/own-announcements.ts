import { type Container, shortId } from '../core/container.ts';
import { type Endpoint, endpointId, keyIds } from '../core/endpoint.ts';
import { compareText } from '../core/order.ts';
import { type Reason, reason } from '../core/reason.ts';
import { checkSegment } from '../core/segment.ts';
import { announceDialect } from './announce.ts';

/** What a process reads of itself. */
export interface OwnReading {
  readonly endpoints: readonly Endpoint[];
  /** Why there is no more of it, and what looks misspelt. */
  readonly reasons: readonly Reason[];
}

/**
 * `ANNOUNCE_PATH`, `PORT` and `TYPE` as `announce-service` read them: from within the container, under its host name.
 * Only what such an endpoint is called is meant: from within, nobody knows the host's address and port.
 */
export function readOwnAnnouncements(env: ReadonlyMap<string, string>, hostname: string): OwnReading {
  const problem = checkSegment(hostname);
  if (problem !== undefined) {
    const message = `the host name of this container ${problem}; give it another with --hostname of docker run`;
    return { endpoints: [], reasons: [reason('bad-value', message, { about: 'hostname' })] };
  }
  const { services, reasons } = announceDialect.read(fromWithin(env, hostname));
  const keyIdFor = keyIds(hostname);
  const ordered = [...services].sort(
    (a, b) => compareText(a.path.join('/'), b.path.join('/')) || a.port - b.port,
  );
  const endpoints = ordered.map((service) => {
    const { path, port, protocol } = service;
    const keyId = keyIdFor(service, 0);
    const id = endpointId(hostname, path, port, protocol, 0);
    const there = { ip: '127.0.0.1', port, scope: 'host', first: true, createdAt: 0 } as const;
    const container = { hostname, image: '', env: new Map<string, string>() };
    return { ...there, id, containerId: hostname, containerName: hostname, container, service, keyId };
  });
  return { endpoints, reasons: reasons.map(asSeenFromWithin) };
}

/** What a process can tell of its container; of its ports only the engine knows. */
function fromWithin(env: ReadonlyMap<string, string>, hostname: string): Container {
  return {
    ...{ id: hostname, name: shortId(hostname), hostname, image: '', labels: new Map(), env, createdAt: 0 },
    ...{ startedAt: undefined, state: 'running', health: 'none', networkMode: 'default', networks: [] },
    ...{ ports: [], stopSignal: 'SIGTERM', stopTimeoutMs: 0, provisional: false },
  };
}

function asSeenFromWithin(given: Reason): Reason {
  if (given.code !== 'missing-port') return given;
  return { ...given, message: 'ANNOUNCE_PATH needs PORT, the port of this container that it means' };
}

import type { Config, RegistryConfig } from '../config/config.ts';
import type { Environment } from '../config/environment.ts';
import { OwnAnnouncer } from '../controller/own-announcer.ts';
import type { Endpoint } from '../core/endpoint.ts';
import type { OwnAnnouncement } from '../core/own-announcement.ts';
import type { Log } from '../core/ports.ts';
import { readOwnAnnouncements } from '../dialect/own-announcements.ts';
import { announceFields, endpointKey } from '../layout/document.ts';
import { normalizePrefix } from '../layout/prefix.ts';
import { KvOwnKeys } from '../provider/kv/own-keys.ts';
import { listeningPorts } from '../source/host/listening.ts';
import { machineReaders } from '../source/host/readers.ts';
import { type AgentIo, StartError } from './io.ts';
import { type LoneRegistry, realOnly, withRegistries } from './lone.ts';
import { openLease } from './own-desk.ts';

/** What this process announces, and where. */
export interface OwnAnnouncements {
  readonly announcements: readonly OwnAnnouncement[];
  readonly registries: readonly RegistryConfig[];
  readonly prefix: string;
}

/** A process within a container that announces what listens there: no engine, no files. Answers the exit code. */
export async function runAnnouncer(config: Config, io: AgentIo, env: Environment): Promise<number> {
  const own = ownAnnouncements(config, env, io.log);
  if (config.dryRun) {
    showOwn(own, io);
    return 0;
  }
  const { registries, prefix } = own;
  await withRegistries({ config, registries, prefixes: [prefix], io }, async (_, opened) => {
    await announceOwn(own, opened, config, io);
  });
  return 0;
}

/** What would be written, and where. */
export function showOwn({ announcements }: OwnAnnouncements, { stdout }: Pick<AgentIo, 'stdout'>): void {
  for (const { key, value } of announcements) stdout(`${key}\n${value}\n`);
}

/** Reads the environment; what is wrong with it and leaves something to announce is only told. */
export function ownAnnouncements(config: Config, env: Environment, log: Log): OwnAnnouncements {
  const known = Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined);
  const { endpoints, reasons } = readOwnAnnouncements(new Map(known), machineReaders.hostname());
  if (endpoints.length === 0)
    throw new StartError(
      `there is nothing to announce: ${reasons.map(({ message }) => message).join('; ')}; set ANNOUNCE_PATH=/internal/app1/dev/web and PORT=80 in the environment of this process`,
    );
  for (const { message } of reasons)
    log.warn({ reason: message }, 'part of the environment is not understood');
  const prefix = normalizePrefix(config.layouts.announce.prefix);
  const announcements = endpoints.map((endpoint) => announcementOf(endpoint, prefix));
  if (config.dryRun) return { announcements, registries: [], prefix };
  const registries = realOnly(
    config.registries,
    'announce needs a real registry: the embedded one is the memory of an agent',
  );
  if (listeningPorts() === undefined)
    throw new StartError(
      'this kernel does not tell in /proc/net/tcp which ports listen; announce runs on Linux, inside the container whose ports it announces',
    );
  return { announcements, registries, prefix };
}

function announcementOf(endpoint: Endpoint, prefix: string): OwnAnnouncement {
  const { path, port } = endpoint.service;
  const value = JSON.stringify(announceFields(endpoint));
  return { key: endpointKey(prefix, endpoint), value, path: `/${path.join('/')}`, port };
}

/** Until the process is asked to end; then everything is taken away. */
export async function announceOwn(
  { announcements, registries }: OwnAnnouncements,
  opened: readonly LoneRegistry[],
  config: Config,
  io: AgentIo,
): Promise<void> {
  const { clock, random, log, signal } = io;
  const keys = announcements.map(({ key }) => key);
  await Promise.all(
    opened.flatMap(({ registry, store }) => {
      if (!registries.includes(registry)) return [];
      const { writer, lease } = openLease(store, config, io);
      const announcer = new OwnAnnouncer({
        ...{ target: registry.name, announcements, listening: listeningPorts, clock, random, log },
        desk: new KvOwnKeys({ reader: store.reader, writer, lease, keys }),
        refreshMs: config.leaseTtl / 3,
      });
      return [lease.run(signal), announcer.run(signal)];
    }),
  );
}

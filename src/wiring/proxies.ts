import { setMaxListeners } from 'node:events';
import type { Config } from '../config/config.ts';
import { masterSocket, type ProxySettings } from '../config/proxies.ts';
import { RouteLoop } from '../controller/route.ts';
import type { OwnCard } from '../core/listener.ts';
import type { Proxy } from '../core/proxy.ts';
import type { RegistryRecord } from '../core/record.ts';
import type { RouteMemory } from '../core/route-memory.ts';
import { routeRecord, routeValue } from '../layout/route.ts';
import { decodeServices } from '../layout/services.ts';
import { KvRecordFeed } from '../provider/kv/feed.ts';
import { Haproxy } from '../proxy/haproxy/haproxy.ts';
import { Managed } from '../proxy/haproxy/managed.ts';
import { hasSystemd, OwnProcess } from '../proxy/haproxy/process.ts';
import type { HaproxySettings, ReloadWay } from '../proxy/haproxy/settings.ts';
import { AdminSocket } from '../proxy/haproxy/socket.ts';
import { FolderMemory } from '../proxy/memory.ts';
import type { Meters } from '../telemetry/meters.ts';
import type { Assembly } from './assembly.ts';
import type { AgentIo } from './io.ts';
import { openListeners } from './listening.ts';
import type { OpenRegistry } from './registries.ts';
import { when } from './waiting.ts';

/** What a route follows: the content of a registry. `desk`: where it says so. */
export type Followed = Pick<OpenRegistry, 'kind' | 'store' | 'desk'> & { readonly name: string };

/** A configured proxy with its loop. */
export interface Route {
  readonly proxy: Proxy;
  readonly loop: RouteLoop;
  /** Another one for the same proxy that cannot write. */
  readonly dry: () => Proxy;
  readonly decode: (
    key: string,
    record: Pick<RegistryRecord, 'value' | 'createRevision'>,
  ) => ReturnType<typeof routeRecord>;
  /** Absent when somebody else starts it. */
  readonly managed: Managed | undefined;
  readonly registry: Followed;
  /** Prefixes of the keys that it follows. */
  readonly paths: readonly string[];
}

export interface RouteContext {
  readonly config: Config;
  /** undefined where nothing is counted. */
  readonly meters?: Meters | undefined;
  readonly registries: readonly Followed[];
  readonly io: Pick<AgentIo, 'clock' | 'random' | 'log'>;
  /** False in a dry run: then nothing is built that could write, or start a proxy. */
  readonly writing: boolean;
  /** See `RouteLoopOptions`. */
  readonly complete: (registry: Followed, signal: AbortSignal) => Promise<void>;
}

/** Runs the proxies of an agent until the process is asked to end; they then stay as they are. */
export async function route(
  {
    config,
    loop,
    registries,
    card,
    status,
    meters,
  }: Pick<Assembly, 'config' | 'loop' | 'registries' | 'card' | 'status'> & { readonly meters: Meters },
  io: AgentIo,
): Promise<void> {
  // An embedded registry is empty until this host has said what it offers: that must never empty a proxy.
  const complete = async ({ kind }: Followed, signal: AbortSignal): Promise<void> => {
    if (kind === 'memory') await when(loop, () => loop.converged, Number.POSITIVE_INFINITY, io.clock, signal);
  };
  const followed = followedOf(registries);
  const routes = openRoutes({ config, registries: followed, io, meters, complete, writing: true });
  status.proxyStatus.show(routes);
  await runRoutes(routes, card, io);
}

export function followedOf(registries: readonly OpenRegistry[]): readonly Followed[] {
  return registries.map(({ kind, store, desk, reader }) => ({ kind, store, desk, name: reader.target }));
}

/** A loop for each configured proxy, not yet running. */
export function openRoutes(context: RouteContext): readonly Route[] {
  const { config, registries, io, writing } = context;
  const { prefix } = config.layouts.services;
  const decode: Route['decode'] = (key, record) => routeRecord(key, record, prefix);
  return config.proxies.flatMap((settings) => {
    const registry = registries.find(({ name }) => name === settings.from) ?? registries[0];
    if (registry === undefined) return [];
    const { name } = settings;
    const { clock, log } = io;
    const common = { name, settings: haproxySettings(settings), clock, log };
    const dry = (): Proxy => new Haproxy({ ...common, writing: false, startable: settings.managed });
    const proxy = writing ? new Haproxy({ ...common, writing: true }) : dry();
    const paths = (settings.paths ?? config.listenPath ?? [prefix]).map((path) => below(prefix, path));
    const managed = writing && settings.managed ? managedBy(settings, io) : undefined;
    const memory = folderMemory(settings.folder, { paths, decode, writing });
    const loop = routeLoop({ proxy, paths, registry, decode, memory }, context);
    return [{ proxy, dry, registry, paths, decode, managed, loop }];
  });
}

/** Until the process is asked to end. */
export async function runRoutes(
  routes: readonly Route[],
  card: OwnCard,
  io: Pick<AgentIo, 'clock' | 'log' | 'signal'>,
): Promise<void> {
  const { log, signal } = io;
  if (routes.length === 0) return;
  setMaxListeners(0, signal);
  const listeners = openListeners(routes, card, io);
  await Promise.all([
    ...listeners.map((listener) => listener.run(signal)),
    ...routes.map(async ({ proxy, loop, registry, paths, managed }) => {
      log.info({ target: proxy.name, registry: registry.name, paths }, 'the proxy follows a registry');
      const prepared = await proxy.writer?.prepare();
      if (prepared?.ok === false)
        log.error(
          { target: proxy.name, reason: prepared.failure.message },
          'the files of a proxy cannot be written',
        );
      // It starts on the files, so that these come first; and the loop finds it running.
      await managed?.begin(signal);
      await Promise.all([loop.run(signal), managed?.run(signal)]);
    }),
  ]);
}

function managedBy(
  { name, program, folder, socket }: ProxySettings,
  { clock, random, log }: RouteContext['io'],
): Managed {
  const admin = new AdminSocket(socket, clock);
  const process = new OwnProcess({
    ...{ name, program, folder, clock },
    masterSocket: masterSocket(folder),
    systemd: hasSystemd(),
    answers: async (signal) => (await admin.ask('show info', signal)).ok,
  });
  return new Managed({ name, process, admin, clock, random, log });
}

/** Only of the paths that it follows now: nothing would ever say that others are withdrawn. */
function folderMemory(
  folder: string,
  { paths, decode, writing }: Pick<Route, 'paths' | 'decode'> & { readonly writing: boolean },
): RouteMemory {
  return new FolderMemory({
    folder,
    encode: routeValue,
    decode: (key, value, since) => {
      if (!paths.some((path) => key.startsWith(path))) return undefined;
      const decoded = decode(key, { value, createRevision: since });
      return 'record' in decoded ? decoded.record : undefined;
    },
    writing,
  });
}

function routeLoop(
  {
    proxy,
    paths,
    registry,
    decode,
    memory,
  }: Pick<Route, 'proxy' | 'paths' | 'registry' | 'decode'> & { readonly memory: RouteMemory },
  { config, io, meters, complete }: RouteContext,
): RouteLoop {
  const { clock, random, log } = io;
  const feed = new KvRecordFeed({
    store: registry.store,
    prefixes: paths,
    ownerOf: ({ value }) => ownerIn(value),
    clock,
    random,
  });
  return new RouteLoop({
    ...{ proxy, feed, decode, memory, clock, random, log, meter: meters?.proxy(proxy.name) },
    complete: (signal) => complete(registry, signal),
    graceMs: config.deadHostGrace === 0 ? Number.POSITIVE_INFINITY : config.deadHostGrace,
  });
}

/** `/services/internal/app1` and `/internal/app1` mean the same. */
function below(prefix: string, path: string): string {
  return path.startsWith(prefix) ? path : `${prefix}${path.slice(1)}`;
}

/** The owner that a value of the services layout names; the key does not matter for it. */
function ownerIn(value: string): string | undefined {
  const decoded = decodeServices('/services/x/x', value);
  return 'record' in decoded ? decoded.record.owner : undefined;
}

function haproxySettings(settings: ProxySettings): HaproxySettings {
  const { socket, folder, pool, domainMatch, check, slowStart, timeouts, bind, reload, verify } = settings;
  const { retries, redispatch, retryOn, retryUnsafe, forwardedFor } = settings;
  return {
    ...{ socket, folder, pool, domainMatch, retries, redispatch, retryOn, retryUnsafe, forwardedFor },
    checkMs: check === 0 ? undefined : check,
    slowStartMs: slowStart,
    connectMs: timeouts.connect,
    serverMs: timeouts.server,
    queueMs: timeouts.queue,
    tunnelMs: timeouts.tunnel,
    frontend: bind === undefined ? undefined : { bind, clientMs: timeouts.client },
    reload: reloadWay(reload),
    check: verify,
  };
}

function reloadWay(reload: ProxySettings['reload']): ReloadWay {
  if (reload?.master !== undefined) return { type: 'master', socket: reload.master };
  if (reload?.command !== undefined) return { type: 'command', argv: reload.command };
  return { type: 'none' };
}

import { setMaxListeners } from 'node:events';
import type { Config } from '../config/config.ts';
import type { ProxySettings } from '../config/proxies.ts';
import { RouteLoop } from '../controller/route.ts';
import type { Proxy } from '../core/proxy.ts';
import { routeRecord } from '../layout/route.ts';
import { decodeServices } from '../layout/services.ts';
import { KvRecordFeed } from '../provider/kv/feed.ts';
import { Haproxy } from '../proxy/haproxy/haproxy.ts';
import type { HaproxySettings, ReloadWay } from '../proxy/haproxy/settings.ts';
import type { Assembly } from './assembly.ts';
import type { AgentIo } from './io.ts';
import type { OpenRegistry } from './registries.ts';
import { when } from './waiting.ts';

/** Runs a loop for each configured proxy until the process is asked to end; the proxies then stay as they are. */
export async function route(
  { config, loop, registries }: Pick<Assembly, 'config' | 'loop' | 'registries'>,
  io: AgentIo,
): Promise<void> {
  const { clock, log, signal } = io;
  if (config.proxies.length === 0) return;
  setMaxListeners(0, signal);
  await Promise.all(
    config.proxies.map(async (settings) => {
      const registry = registries.find(({ reader }) => reader.target === settings.from) ?? registries[0];
      if (registry === undefined) return;
      const proxy = new Haproxy({
        name: settings.name,
        settings: haproxySettings(settings),
        writing: true,
        clock,
        log,
      });
      const prepared = await proxy.writer?.prepare();
      if (prepared?.ok === false)
        log.error(
          { target: settings.name, reason: prepared.failure.message },
          'the files of a proxy cannot be written',
        );
      const embedded = registry.kind === 'memory';
      // An embedded registry is empty until this host has said what it offers: that must never empty a proxy.
      const complete = async (until: AbortSignal): Promise<void> => {
        if (embedded) await when(loop, () => loop.converged, Number.POSITIVE_INFINITY, clock, until);
      };
      await routeLoop(proxy, settings, { registry, config, io, complete }).run(signal);
    }),
  );
}

interface RouteContext {
  readonly registry: Pick<OpenRegistry, 'store'>;
  readonly config: Config;
  readonly io: Pick<AgentIo, 'clock' | 'random' | 'log'>;
  readonly complete: (signal: AbortSignal) => Promise<void>;
}

function routeLoop(
  proxy: Proxy,
  { paths }: Pick<ProxySettings, 'paths'>,
  { registry, config, io, complete }: RouteContext,
): RouteLoop {
  const { clock, random, log } = io;
  const prefix = withSlash(config.layouts.services.prefix);
  const feed = new KvRecordFeed({
    store: registry.store,
    prefixes: (paths ?? [prefix]).map((path) => below(prefix, withSlash(path))),
    ownerOf: ({ value }) => ownerIn(value),
    clock,
    random,
  });
  return new RouteLoop({
    ...{ proxy, feed, complete, clock, random, log },
    decode: (key, record) => routeRecord(key, record, prefix),
    graceMs: config.deadHostGrace === 0 ? Number.POSITIVE_INFINITY : config.deadHostGrace,
  });
}

const withSlash = (path: string): string => (path.endsWith('/') ? path : `${path}/`);

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
  const { socket, folder, pool, domainMatch, check, slowStart, retries, timeouts, bind, reload, verify } =
    settings;
  return {
    ...{ socket, folder, pool, domainMatch, retries },
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

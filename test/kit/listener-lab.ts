import { Listener } from '../../src/controller/listener.ts';
import type { ListenerDesk, OwnCard } from '../../src/core/listener.ts';
import type { Clock } from '../../src/core/ports.ts';
import type { Proxy } from '../../src/core/proxy.ts';
import { KvDesk } from '../../src/provider/kv/desk.ts';
import { LeaseKeeper } from '../../src/provider/kv/lease-keeper.ts';
import type { KvStore } from '../../src/provider/kv/store.ts';
import { silentLog } from './haproxy.ts';
import type { RunningRoute } from './route-lab.ts';

export interface RunningListener {
  /** Ends it like a kill -9: its lease runs out. */
  stop(): Promise<void>;
}

interface ListenerLab {
  readonly id?: string;
  readonly host?: string;
  /** In the process of an agent, under the host's lease. */
  readonly desk?: ListenerDesk | undefined;
}

/** A listener alone for one proxy whose loop runs, with a lease of its own, as `portolan listen` puts it together. */
export function runListener(
  store: KvStore,
  proxy: Proxy,
  { loop }: RunningRoute,
  clock: Clock,
  { id = 'lone', host = 'web-1', desk }: ListenerLab = {},
): RunningListener {
  const stop = new AbortController();
  const writer = store.writer();
  const lease = new LeaseKeeper({ writer, ttlSeconds: 15, clock, random: () => 0 });
  const card: OwnCard = { instance: id, host, version: '1', since: 1 };
  const listener = new Listener({
    ...{ target: 'etcd', card, clock, log: silentLog },
    desk: desk ?? new KvDesk({ reader: store.reader, writer, id, footing: () => lease.footing() }),
    routes: [{ proxy, loop, paths: ['/services/'] }],
    nameOf: (name, key) => `${name}${key.replaceAll('/', '.')}`,
  });
  const running = Promise.all([lease.run(stop.signal), listener.run(stop.signal)]);
  return {
    stop: async () => {
      stop.abort();
      await running;
    },
  };
}

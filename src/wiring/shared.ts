import type { Config } from '../config/config.ts';
import type { StatusView } from '../core/status.ts';
import type { KvStore } from '../provider/kv/store.ts';
import { followCredentials } from './credentials.ts';
import type { FollowedHost } from './host.ts';
import type { AgentIo } from './io.ts';
import { liveConfig } from './live-config.ts';
import { layoutsOf } from './metadata.ts';
import { openStore } from './registries.ts';
import { followReloads } from './reload.ts';
import { beat, openStatsd } from './statsd.ts';
import { openTelemetry, type Telemetry } from './telemetry.ts';

/** Something that settings concern which may change while it runs. */
interface Concerned {
  readonly host: Pick<FollowedHost, 'settingsChanged'>;
  readonly settingsChanged: () => void;
}

/** What an agent has once, however many engines it follows. */
export interface Shared {
  /** As it is at the moment: it may be read again while the agent runs. */
  readonly config: Config;
  /** By the name of the registry; an embedded one is the same for every owner. */
  readonly stores: ReadonlyMap<string, KvStore>;
  readonly telemetry: Telemetry;
  /** Tells statsd from now on how all is, if it is to be told anything. */
  readonly beat: (status: () => StatusView) => void;
  /** Takes over what is read again from now on, for whatever is there by then; returns a function that stops that. */
  readonly follow: (concerned: () => readonly Concerned[]) => () => void;
  readonly close: () => Promise<void>;
}

/** Opens every registry. */
export async function openShared(given: Config, io: AgentIo): Promise<Shared> {
  const live = liveConfig(given);
  const { config } = live;
  const credentials = await followCredentials(config.registries, io);
  const prefixes = layoutsOf(config).map(({ prefix }) => prefix);
  const stores = new Map(
    config.registries.map((registry) => [
      registry.name,
      openStore(registry, { clock: io.clock, credentials, prefixes }),
    ]),
  );
  const statsd = openStatsd(config, io);
  const telemetry = openTelemetry(statsd);
  let endBeat = (): void => undefined;
  return {
    config,
    stores,
    telemetry,
    beat: (status) => {
      if (statsd !== undefined) endBeat = beat(statsd, status, io.clock);
    },
    follow: (concerned) =>
      followReloads({
        ...{ live, io, credentials },
        host: {
          settingsChanged: () => {
            for (const { host } of concerned()) host.settingsChanged();
          },
        },
        settingsChanged: () => {
          for (const { settingsChanged } of concerned()) settingsChanged();
        },
      }),
    close: async () => {
      endBeat();
      telemetry.close();
      await statsd?.close();
      for (const files of credentials.values()) files.stop();
      await Promise.all([...stores.values()].map(({ reader }) => reader.close()));
    },
  };
}

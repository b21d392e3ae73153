import { isIP } from 'node:net';
import { join } from 'node:path';
import { shown } from '../core/quote.ts';
import type { Config, Settings } from './config.ts';
import { type Context, complain } from './context.ts';
import { type EngineConfig, type EnginePlace, type EngineSettings, enginePlace } from './engines.ts';
import { LOOPBACK } from './registries.ts';
import { checkEngineTls, engineCertPath } from './tls.ts';
import type { AdvertiseRule } from './values.ts';

/** What the single engine has settings for; each entry has its own. */
const OF_ONE = ['docker.host', 'docker.tlsVerify', 'docker.certPath', 'ownerId'];

/** The engines of the list, checked against each other and against the settings of the single one. */
export function engineConfigs(settings: Settings, context: Context): readonly EngineConfig[] {
  const { engines } = settings;
  if (engines.length === 0) return [];
  for (const path of OF_ONE)
    if (context.given.has(path))
      complain(context, path.split('.'), 'is set beside engines, where each entry has its own', {
        remedy: 'leave one of the two out',
      });
  return engines.map((engine, index) => {
    const place = enginePlace(engine);
    const earlier = engines.slice(0, index);
    checkAgainst(engine, place, earlier, { keys: ['engines', index], context });
    const { name, host, tlsVerify, ownerId } = engine;
    const certPath = engineCertPath(engine, context.machine);
    const docker = { host, tlsVerify, certPath, sockets: [] } as const;
    checkEngineTls(docker, ['engines', index, 'certPath'], context);
    const remote = place?.type === 'network' && !LOOPBACK.test(place.host);
    const advertise = addresses(engine, remote ? place.host : undefined, ['engines', index], context);
    return { name, ownerId, remote, advertise, docker };
  });
}

interface Where {
  readonly keys: readonly PropertyKey[];
  readonly context: Context;
}

function checkAgainst(
  engine: EngineSettings,
  place: EnginePlace | undefined,
  earlier: readonly EngineSettings[],
  { keys, context }: Where,
): void {
  const { name, host, ownerId } = engine;
  if (place === undefined)
    complain(context, [...keys, 'host'], `${shown(host)} is no engine`, {
      remedy: 'write unix:///run/docker.sock or tcp://host:port',
    });
  if (earlier.some((other) => other.name === name))
    complain(context, [...keys, 'name'], `${shown(name)} is the name of another engine`, {
      remedy: 'give each a name of its own',
    });
  const same = earlier.find((other) => place !== undefined && enginePlace(other)?.place === place.place);
  if (same !== undefined)
    complain(context, [...keys, 'host'], `leads to the same engine as that of ${shown(same.name)}`, {
      remedy: 'remove one of the two entries',
    });
  const sharer = earlier.find((other) => ownerId !== undefined && other.ownerId === ownerId);
  if (sharer !== undefined)
    complain(context, [...keys, 'ownerId'], `is that of ${shown(sharer.name)}`, {
      remedy: 'give each an owner id of its own, or none',
    });
}

/** What this machine knows of itself says nothing about another one. `far`: the host of an engine elsewhere. */
function addresses(
  { advertise }: EngineSettings,
  far: string | undefined,
  keys: readonly PropertyKey[],
  context: Context,
): readonly AdvertiseRule[] | undefined {
  if (far === undefined) return advertise;
  const remedy = 'write the IP addresses under which others reach what it publishes';
  if (advertise?.some(({ type }) => type !== 'literal') === true)
    complain(context, [...keys, 'advertise'], 'looks at this machine, and the engine is on another', {
      remedy,
    });
  if (advertise !== undefined) return advertise;
  if (isIP(far) !== 0) return [{ type: 'literal', ip: far }];
  complain(context, [...keys, 'advertise'], `is missing, and ${shown(far)} is no IP address`, { remedy });
  return [];
}

/** The configuration as if this engine were the only one; what holds for all is read at the moment of use. */
export function configOf(config: Config, engine: EngineConfig): Config {
  const { name, ownerId, advertise, docker } = engine;
  const own: Partial<Record<keyof Config, () => unknown>> = {
    ownerId: () => ownerId,
    advertise: () => advertise ?? config.advertise,
    docker: () => ({ ...docker, oneOff: config.docker.oneOff }),
    stateDir: () => engineFolder(config, name),
    engines: () => [],
  };
  const names = Object.keys(config) as (keyof Config)[];
  const properties = names.map(
    (key) => [key, { enumerable: true, get: own[key] ?? (() => config[key]) }] as const,
  );
  return Object.defineProperties({}, Object.fromEntries(properties)) as Config;
}

function engineFolder({ stateDir }: Pick<Config, 'stateDir'>, name: string): string {
  return join(stateDir, 'engines', name);
}

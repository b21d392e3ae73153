import type { Config } from '../config/config.ts';
import { planReload, sameLogin } from '../config/reload.ts';
import { credentialsOf, type RegistryCredentials } from './credentials.ts';
import type { FollowedHost } from './host.ts';
import type { AgentIo, ReloadPort } from './io.ts';
import type { LiveConfig } from './live-config.ts';

export interface ReloadOptions {
  readonly live: LiveConfig;
  readonly io: Pick<AgentIo, 'log' | 'reload'>;
  readonly credentials: RegistryCredentials;
  readonly host: Pick<FollowedHost, 'settingsChanged'>;
  /** Containers, addresses and policies are looked at again. */
  readonly settingsChanged: () => void;
}

/** Reads the configuration again whenever the process is asked to; returns a function that stops listening. */
export function followReloads(options: ReloadOptions): () => void {
  const { reload } = options.io;
  if (reload === undefined) return () => undefined;
  // One after the other: a file is read after the request that came last.
  let busy = Promise.resolve();
  return reload.onRequest(() => {
    busy = busy.then(() => readAgain(reload, options));
  });
}

/** Takes over what can be changed while the agent runs and says, by name, what cannot; a broken file changes nothing. */
async function readAgain(reload: ReloadPort, options: ReloadOptions): Promise<void> {
  const { live, io } = options;
  const { log } = io;
  const loaded = reload.load();
  for (const reason of loaded.warnings) log.warn({ reason }, 'configuration');
  if (!loaded.ok) {
    for (const reason of loaded.problems)
      log.error({ reason }, 'configuration cannot be used; the earlier one stays');
    return;
  }
  const before: Config = { ...live.config };
  const { config, applied, restart } = planReload(before, loaded.config);
  live.replace(config);
  reload.setLogLevel(config.log.level);
  await lookAtLogins(before, config, options.credentials);
  if (applied.length > 0) {
    options.host.settingsChanged();
    options.settingsChanged();
  }
  if (restart.length > 0)
    log.warn({ applied, restart }, 'configuration read again; some of it needs a restart');
  else log.info({ applied }, 'configuration read again');
}

/** Files of secrets are looked at now, whether or not they go by other names. */
async function lookAtLogins(before: Config, after: Config, credentials: RegistryCredentials): Promise<void> {
  for (const registry of after.registries) {
    const old = before.registries.find(({ name }) => name === registry.name);
    const files = credentials.get(registry.name);
    if (old !== undefined && !sameLogin(old, registry)) await files?.change(credentialsOf(registry));
    else await files?.look();
  }
}

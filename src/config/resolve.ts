import { dirname, isAbsolute, join, resolve } from 'node:path';
import { shown } from '../core/quote.ts';
import type { Config, Settings } from './config.ts';
import { type Context, complain, type Machine, warn } from './context.ts';
import { engineConfigs } from './engine-configs.ts';
import { engineSockets } from './engine-sockets.ts';
import { shownPath } from './problem.ts';
import { completeProxy, fitsProxy, type GivenProxy, masterSocket, type ProxySettings } from './proxies.ts';
import { LOOPBACK, registries } from './registries.ts';
import { checkEngineTls, engineCertPath } from './tls.ts';

/** Longest path that the kernel takes for a Unix socket. */
const SOCKET_PATH_MAX = 107;

/** Fills in what depends on the machine and checks what zod cannot see: files, and settings that exclude each other. */
export function resolveConfig(settings: Settings, context: Context): Config {
  const stateDir = resolve(settings.stateDir ?? defaultStateDir(context.machine));
  const config: Config = {
    ...settings,
    ownerId: settings.ownerId,
    stateDir,
    controlSocket: resolve(settings.controlSocket ?? join(stateDir, 'portolan.sock')),
    registries: registries(settings, context),
    proxies: settings.proxies.map((proxy) => completeProxy(proxy, stateDir)),
    engines: engineConfigs(settings, context),
    docker: {
      ...settings.docker,
      certPath: engineCertPath(settings.docker, context.machine),
      sockets: settings.docker.host === undefined ? engineSockets(context.machine) : [],
    },
  };
  checkEngineTls(config.docker, ['docker', 'certPath'], context);
  checkSocket(config, context);
  checkPrefixes(config, context);
  checkListener(config, context);
  checkRegistrar(config, context);
  checkProxies(config, context);
  settings.proxies.forEach((proxy, index) => {
    checkPlace(proxy, config.proxies[index], ['proxies', index], context);
  });
  if (config.once && !config.dryRun && config.registries.every(({ kind }) => kind === 'memory'))
    complain(context, ['once'], 'has nothing to converge: the embedded registry ends with the process', {
      remedy: 'name a real registry by --registry, or add --dry-run to see what would be announced',
    });
  return config;
}

function defaultStateDir({ uid, home, stateHome }: Machine): string {
  if (uid === 0) return '/var/lib/portolan';
  return stateHome !== undefined && isAbsolute(stateHome)
    ? join(stateHome, 'portolan')
    : join(home, '.local/state/portolan');
}

function checkSocket({ controlSocket }: Config, context: Context): void {
  if (Buffer.byteLength(controlSocket) > SOCKET_PATH_MAX)
    complain(
      context,
      ['controlSocket'],
      `${shownPath(controlSocket)} is longer than ${SOCKET_PATH_MAX} bytes`,
      {
        remedy: `name a shorter one, such as /run/portolan.sock (its folder is ${shownPath(dirname(controlSocket))})`,
      },
    );
}

/** Of two layouts, neither may lie inside the other: a reader of one would find records of the other. */
function checkPrefixes({ layouts }: Config, context: Context): void {
  const active = Object.entries(layouts).filter(([, { enabled }]) => enabled);
  for (const [name, { prefix }] of active)
    for (const [other, { prefix: outer }] of active)
      if (name !== other && prefix.startsWith(outer) && (prefix !== outer || name > other))
        complain(
          context,
          ['layouts', name, 'prefix'],
          `${shown(prefix)} lies inside that of ${other}, ${shown(outer)}`,
          {
            remedy: 'give each layout a prefix of its own',
          },
        );
}

/** Each proxy follows a registry that is there, under a name and in a folder of its own. */
function checkProxies({ proxies, registries: known }: Config, context: Context): void {
  proxies.forEach(({ name, folder, from, reload }, index) => {
    const keys = ['proxies', index];
    if (from !== undefined && !known.some((registry) => registry.name === from))
      complain(context, [...keys, 'from'], `${shown(from)} is no registry`, {
        remedy: `name one of ${known.map((registry) => registry.name).join(', ')}`,
      });
    // Metrics and log lines name either as a target.
    if (known.some((registry) => registry.name === name))
      complain(context, [...keys, 'name'], 'is the name of a registry', { remedy: 'give it another name' });
    if (proxies.slice(0, index).some((other) => other.name === name || other.folder === folder))
      complain(context, keys, 'has the name or the folder of another proxy', {
        remedy: 'give each a name and a folder of its own',
      });
    if (reload !== undefined && (reload.master === undefined) === (reload.command === undefined))
      complain(context, [...keys, 'reload'], 'needs master or command, and not both', {
        remedy: 'keep one of them',
      });
  });
}

/** HAProxy makes a socket under a longer name first. */
const PROXY_SOCKET_MAX = 90;

/** Where a proxy lies, and who starts it. */
function checkPlace(
  given: GivenProxy,
  complete: ProxySettings | undefined,
  keys: readonly PropertyKey[],
  context: Context,
): void {
  if (complete === undefined) return;
  if (given.managed) {
    if (given.reload !== undefined)
      complain(context, [...keys, 'reload'], 'does not go with managed', {
        remedy: 'leave it out: a managed HAProxy is reloaded by its own master process',
      });
    if (!fitsProxy(complete.folder))
      complain(
        context,
        [...keys, 'folder'],
        `${shownPath(complete.folder)} cannot stand in HAProxy's files`,
        {
          remedy: 'name one of letters, digits and . _ - /, at most 100 long',
        },
      );
    if (Math.max(complete.socket.length, masterSocket(complete.folder).length) > PROXY_SOCKET_MAX)
      complain(context, [...keys, 'folder'], `${shownPath(complete.folder)} is too long for a socket in it`, {
        remedy: 'name a shorter one, such as /run/portolan/edge',
      });
  } else
    for (const key of ['socket', 'folder'] as const)
      if (given[key] === undefined)
        complain(context, [...keys, key], 'is missing', {
          remedy: 'name that of your HAProxy, or let Portolan start one by managed: true',
        });
}

function checkRegistrar({ layouts: { registrar, hosts } }: Config, context: Context): void {
  if (hosts.enabled && hosts.format === 'registrar' && !registrar.enabled)
    complain(
      context,
      ['layouts', 'hosts', 'format'],
      'lists the keys of the registrar layout, which is off',
      {
        remedy: 'switch layouts.registrar.enabled on, or take format: portolan',
      },
    );
  if (registrar.enabled && registrar.fullEnvironment)
    warn(
      context,
      ['layouts', 'registrar', 'fullEnvironment'],
      'copies every variable of every container into the registries, passwords and tokens too',
      'name the variables that readers need in layouts.registrar.env instead',
    );
}

function checkListener({ http }: Config, context: Context): void {
  if (http.listen !== undefined && !LOOPBACK.test(http.listen.host))
    warn(
      context,
      ['http', 'listen'],
      `${shown(http.listen.host)} can be reached from other machines, and what it shows is not protected`,
      'listen on 127.0.0.1 unless that is meant',
    );
}

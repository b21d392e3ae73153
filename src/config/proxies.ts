import * as z from 'zod';
import { duration, keyPrefix } from './values.ts';

/** Enters a proxy's files and commands: nothing that they could take for anything else. */
const path = z.string().regex(/^\/[A-Za-z0-9._/-]{1,100}$/);
const bind = z.string().regex(/^(?:\*|[0-9.]{7,15}|\[[0-9a-fA-F:.]{2,45}\]):\d{1,5}$/);

/** Words of HAProxy's `retry-on` that every version knows and that are about servers without TLS. */
const RETRY_ON = [
  'conn-failure',
  'empty-response',
  'junk-response',
  'response-timeout',
  '404',
  '408',
  '425',
  '500',
  '501',
  '502',
  '503',
  '504',
] as const;

/** One entry of `proxies`. */
const proxyMapping = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/)
    .default('haproxy')
    .describe('How logs and tables call it.'),
  managed: z
    .boolean()
    .default(false)
    .describe(
      'Portolan starts this HAProxy itself; it goes on when the agent ends, and the next one takes it over.',
    ),
  program: z
    .string()
    .min(1)
    .default('haproxy')
    .describe('The HAProxy that is started, and that checks a configuration.'),
  from: z.string().min(1).optional().describe('Name of the registry that it follows; default: the first.'),
  paths: z
    .array(keyPrefix)
    .min(1)
    .optional()
    .describe('Paths whose services it serves, below the services layout; default: listenPath.'),
  socket: path
    .optional()
    .describe('Admin socket of HAProxy (stats socket ... level admin); managed: admin.sock in the folder.'),
  folder: path
    .optional()
    .describe(
      'Folder for the files that HAProxy is to load (conf) and its maps (maps); managed: proxies/<name> in the state folder.',
    ),
  bind: z
    .array(bind)
    .min(1)
    .optional()
    .describe(
      'Addresses of a front end that Portolan writes, with the admin socket; default: your own front end; managed: *:80.',
    ),
  domainMatch: z
    .boolean()
    .default(false)
    .describe('A name also stands for every host name that contains it as a domain.'),
  pool: z.number().int().min(1).max(2000).default(200).describe('Backends that are declared ahead.'),
  check: duration({ never: true }).prefault('2s').describe('Pause between health checks; 0: none.'),
  slowStart: duration({ max: 600_000 })
    .prefault('0s')
    .describe(
      'How long a new server takes to get its full share, beside others; it is asked at once. Meanwhile retries find the old ones more often, also those that just died. 0: no time.',
    ),
  retries: z.number().int().min(0).max(10).default(3).describe('How often a failed request is tried again.'),
  redispatch: z
    .number()
    .int()
    .min(0)
    .max(10)
    .default(1)
    .describe('At every n-th retry another server is tried; 0: never.'),
  retryOn: z
    .array(z.enum(RETRY_ON))
    .default(['conn-failure', 'empty-response'])
    .describe(`What is worth a retry: ${RETRY_ON.join(', ')}.`),
  retryUnsafe: z
    .boolean()
    .default(false)
    .describe(
      'Sends requests that are not safe to repeat (POST and the like) a second time too; a label allows it for one service.',
    ),
  forwardedFor: z
    .boolean()
    .default(true)
    .describe('Tells servers the address of the client (X-Forwarded-For).'),
  timeouts: z
    .strictObject({
      connect: duration({ min: 1, max: 60_000 }).prefault('500ms'),
      server: duration({ min: 1 }).prefault('1m'),
      queue: duration({ min: 1 }).prefault('5s'),
      tunnel: duration({ min: 1 }).prefault('1h'),
      client: duration({ min: 1 }).prefault('1m'),
    })
    .prefault({})
    .describe('Timeouts: connect, server, queue, tunnel, client.'),
  reload: z
    .strictObject({
      master: path.optional().describe('Socket of the master process (haproxy -W -S <socket>).'),
      command: z.array(z.string().min(1)).min(1).optional().describe('Program and arguments that reload it.'),
    })
    .optional()
    .describe('How it is reloaded when there is no other way; default: it is left to you.'),
  verify: z
    .array(z.string().min(1))
    .optional()
    .describe(
      'Program and arguments that check a configuration; its folder is added; default: program -c -f; []: only the reload tells.',
    ),
});

export const proxies = z.array(proxyMapping);
export type GivenProxy = z.output<typeof proxyMapping>;

/** One proxy with everything that depends on its name and on the state folder. */
export interface ProxySettings extends GivenProxy {
  readonly socket: string;
  readonly folder: string;
  readonly verify: string[];
}

/** A missing folder or socket of a proxy that is not managed is a problem of its own, and is found before. */
export function completeProxy(given: GivenProxy, stateDir: string): ProxySettings {
  const folder = given.folder ?? `${stateDir}/proxies/${given.name}`;
  return {
    ...given,
    folder,
    socket: given.socket ?? `${folder}/admin.sock`,
    bind: given.bind ?? (given.managed ? ['*:80'] : undefined),
    reload: given.managed ? { master: masterSocket(folder) } : given.reload,
    verify: given.verify ?? [given.program, '-c', '-f'],
  };
}

export const masterSocket = (folder: string): string => `${folder}/master.sock`;

/** Whether a path can stand in the files and commands of a proxy. */
export const fitsProxy = (name: string): boolean => path.safeParse(name).success;

/**
 * What `listen` serves when no proxy is configured: an HAProxy on port 80 with its files in the state folder. undefined when
 * that folder has a name which cannot stand in a proxy's files.
 */
export function defaultProxy(stateDir: string): ProxySettings | undefined {
  const folder = `${stateDir}/haproxy`;
  const given = proxyMapping.safeParse({ folder, bind: ['*:80'], reload: { master: masterSocket(folder) } });
  return given.success ? completeProxy(given.data, stateDir) : undefined;
}

export const PROXY_KEYS: readonly string[] = Object.keys(proxyMapping.shape);

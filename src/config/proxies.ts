import * as z from 'zod';
import { duration, keyPrefix } from './values.ts';

/** Enters a proxy's files and commands: nothing that they could take for anything else. */
const path = z.string().regex(/^\/[A-Za-z0-9._/-]{1,100}$/);
const bind = z.string().regex(/^(?:\*|[0-9.]{7,15}|\[[0-9a-fA-F:.]{2,45}\]):\d{1,5}$/);

/** One entry of `proxies`. */
const proxyMapping = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,64}$/)
    .default('haproxy')
    .describe('How logs and tables call it.'),
  from: z.string().min(1).optional().describe('Name of the registry that it follows; default: the first.'),
  paths: z
    .array(keyPrefix)
    .min(1)
    .optional()
    .describe('Paths whose services it serves, below the services layout; default: listenPath.'),
  socket: path.describe('Admin socket of HAProxy (stats socket ... level admin).'),
  folder: path.describe('Folder for the files that HAProxy is to load (conf) and its maps (maps).'),
  bind: z
    .array(bind)
    .min(1)
    .optional()
    .describe(
      'Addresses of a front end that Portolan writes, with the admin socket; default: your own front end.',
    ),
  domainMatch: z
    .boolean()
    .default(false)
    .describe('A name also stands for every host name that contains it as a domain.'),
  pool: z.number().int().min(1).max(2000).default(200).describe('Backends that are declared ahead.'),
  check: duration({ never: true }).prefault('2s').describe('Pause between health checks; 0: none.'),
  slowStart: duration({ max: 600_000 })
    .prefault('0s')
    .describe('How long a server takes to get its full share.'),
  retries: z
    .number()
    .int()
    .min(0)
    .max(10)
    .default(3)
    .describe('How often a failed connection is tried again.'),
  timeouts: z
    .strictObject({
      connect: duration({ min: 1, max: 500 }).prefault('500ms'),
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
    .min(1)
    .default(['haproxy', '-c', '-q', '-f'])
    .describe('Program and arguments that check a configuration; its folder is added.'),
});

export const proxies = z.array(proxyMapping);
export type ProxySettings = z.output<typeof proxyMapping>;

/**
 * What `listen` serves when no proxy is configured: an HAProxy on port 80 with its files in the state folder. undefined when
 * that folder has a name which cannot stand in a proxy's files.
 */
export function defaultProxy(stateDir: string): ProxySettings | undefined {
  const folder = `${stateDir}/haproxy`;
  return proxyMapping.safeParse({
    ...{ folder, socket: `${folder}/admin.sock`, bind: ['*:80'] },
    reload: { master: `${folder}/master.sock` },
  }).data;
}

export const PROXY_KEYS: readonly string[] = Object.keys(proxyMapping.shape);

import * as z from 'zod';
import { type AdvertiseRule, advertiseRule, ownerId } from './values.ts';

/** One entry of `engines`. Its name becomes a folder. */
const engineMapping = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/)
    .describe('How logs and tables call it; its owner id is kept in a folder of this name.'),
  host: z.string().min(1).describe('The engine: unix:///path, tcp://host:port.'),
  tlsVerify: z.boolean().default(false).describe('Use TLS towards the engine and verify it.'),
  certPath: z.string().min(1).optional().describe('Folder with ca.pem, cert.pem and key.pem for the engine.'),
  ownerId: ownerId
    .optional()
    .describe("Identity of its records; default: kept in the state folder, at first the engine's id."),
  advertise: z
    .array(advertiseRule)
    .min(1)
    .optional()
    .describe(
      'Addresses of its host for others; default: the address in host, or advertise for an engine of this machine.',
    ),
});

export const engines = z.array(engineMapping);
export type EngineSettings = z.output<typeof engineMapping>;
export const ENGINE_KEYS: readonly string[] = Object.keys(engineMapping.shape);

/** One of several engines; the rest of its configuration is that of the agent. */
export interface EngineConfig {
  readonly name: string;
  readonly ownerId: string | undefined;
  /** On another machine: nothing that this one knows of itself may be said of it. */
  readonly remote: boolean;
  /** undefined: as the agent. */
  readonly advertise: readonly AdvertiseRule[] | undefined;
  readonly docker: Pick<EngineSettings, 'host' | 'tlsVerify' | 'certPath'> & {
    readonly sockets: readonly [];
  };
}

/** Where an engine listens. `place` is the same for every way to write it. */
export type EnginePlace =
  | { readonly type: 'socket'; readonly place: string }
  | { readonly type: 'network'; readonly place: string; readonly host: string };

const PORTS = { tcp: 2375, http: 2375, https: 2376 } as const;

/** Reads a URL as Docker's client does, but for one without a scheme; undefined when it is none. */
export function enginePlace({
  host: url,
  tlsVerify,
}: Pick<EngineSettings, 'host' | 'tlsVerify'>): EnginePlace | undefined {
  const [, path] = /^unix:\/\/(\/.*[^/])$/.exec(url) ?? [];
  // One is a link to the other.
  if (path !== undefined)
    return { type: 'socket', place: path.replace(/\/{2,}/g, '/').replace(/^\/var\/run\//, '/run/') };
  const [, scheme, ipv6, name, digits] =
    /^(tcp|http|https):\/\/(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?\/?$/.exec(url) ?? [];
  const host = (ipv6 ?? name)?.toLowerCase();
  const port = Number(digits ?? (tlsVerify ? PORTS.https : PORTS[(scheme ?? 'tcp') as keyof typeof PORTS]));
  if (host === undefined || port < 1 || port > 65_535) return undefined;
  return { type: 'network', place: `${host} port ${String(port)}`, host };
}

import * as z from 'zod';
import type { Endpoint, Phase } from '../core/endpoint.ts';
import { familyOf } from '../core/ip.ts';
import { parseJson } from '../core/json.ts';
import type { DrainMark, KeyValue, Layout, OwnerFacts } from '../core/layout.ts';
import {
  BALANCES,
  CHECK_PATH,
  MAX_ALIASES,
  MAX_TIMEOUT_MS,
  ROUTE_PROTOCOLS,
  type RouteSettings,
} from '../core/route-settings.ts';
import { checkSegment, parsePath } from '../core/segment.ts';
import { announceFields, endpointKey } from './document.ts';
import { type LayoutOptions, normalizePrefix } from './prefix.ts';

/** `/services/<path>/<id>`: where a service is reached, who says so, and whether it is in rotation. */
export function servicesLayout({
  prefix,
  leased,
  drainMark = 'mark',
}: LayoutOptions & { readonly drainMark?: DrainMark }): Layout {
  const root = normalizePrefix(prefix);
  return {
    name: 'services',
    prefix: root,
    leased,
    encode(endpoint, phase, owner): KeyValue | undefined {
      const { state, offered } = phase;
      if (state === 'announced' || state === 'expired') return undefined;
      // Told to stop before it was ever in rotation: there is nothing to withdraw, and nothing to show.
      if (state === 'draining' && (!offered || drainMark === 'delete')) return undefined;
      return { key: endpointKey(root, endpoint), value: JSON.stringify(document(endpoint, phase, owner)) };
    },
    encodeHost: () => undefined,
  };
}

function document(endpoint: Endpoint, phase: Phase, { owner }: OwnerFacts): object {
  const { tags, weight, route } = endpoint.service;
  return {
    ...announceFields(endpoint),
    IP: endpoint.ip,
    EXT_PORT: String(endpoint.port),
    owner,
    state: phase.state,
    ...(phase.state === 'draining' && phase.cause !== undefined ? { cause: phase.cause } : {}),
    tags,
    ...(weight === undefined ? {} : { weight }),
    ...(route === undefined ? {} : { proxy: asked(route) }),
  };
}

/** In a fixed order; what is not asked for is left out. */
function asked({ aliases, balance, timeoutMs, check, retry, protocol }: RouteSettings): RouteSettings {
  return { aliases, balance, timeoutMs, check, retry, protocol };
}

/** Whoever wrote it: numbers and strings, missing fields of the older tools, fields we do not know. */
const text = z.union([z.string(), z.number()]).transform(String);
const port = text.pipe(
  z
    .string()
    .regex(/^[1-9]\d{0,4}$/)
    .transform(Number)
    .pipe(z.number().max(65_535)),
);

/** What a service asks of proxies. What is not understood counts as not said: it must not take the record away. */
const proxy = z
  .object({
    aliases: z.array(z.string().max(255)).max(MAX_ALIASES).optional().catch(undefined),
    balance: z.enum(BALANCES).optional().catch(undefined),
    timeoutMs: z.number().int().min(1).max(MAX_TIMEOUT_MS).optional().catch(undefined),
    check: z.string().regex(CHECK_PATH).optional().catch(undefined),
    retry: z.boolean().optional().catch(undefined),
    protocol: z.enum(ROUTE_PROTOCOLS).optional().catch(undefined),
  })
  .catch({});

const schema = z.object({
  ID: text,
  APP: text.optional(),
  ENV: text.optional(),
  SERVICE: text,
  NAME: text.optional(),
  PORT: port,
  TYPE: text.transform((type) => type.toUpperCase()).pipe(z.enum(['HTTP', 'TCP', 'UDP'])),
  IP: z.string().refine((ip) => familyOf(ip) !== undefined, 'is not an IP address'),
  EXT_PORT: port,
  owner: z.string().optional(),
  state: z.enum(['registered', 'draining', 'dormant']).default('registered'),
  cause: z.enum(['stop-signal', 'unhealthy', 'command']).optional(),
  tags: z.array(z.string()).default([]),
  weight: z.number().int().min(0).max(256).optional(),
  proxy: proxy.optional(),
});

/** A record of the `services` layout, of whatever owner and tool. Texts are as they were written: check them before they enter a file. */
export interface ServiceRecord extends z.output<typeof schema> {
  /** Segments between the prefix and the id. */
  readonly path: readonly string[];
  /** Last segment of the key. */
  readonly keyId: string;
}

/** Never throws: a record that does not parse is one skipped record with a reason. */
export function decodeServices(
  key: string,
  value: string,
  prefix = '/services/',
): { readonly record: ServiceRecord } | { readonly problem: string } {
  if (!key.startsWith(prefix)) return { problem: `the key does not lie below ${prefix}` };
  const end = key.lastIndexOf('/');
  const keyId = key.slice(end + 1);
  const problem = checkSegment(keyId);
  if (problem !== undefined) return { problem: `the last segment of the key ${problem}` };
  const parsed = parsePath(key.slice(prefix.length, Math.max(end, prefix.length)));
  if ('error' in parsed) return { problem: `the path of the key ${parsed.error}` };
  const document = schema.safeParse(parseJson(value));
  if (document.success) return { record: { ...document.data, path: parsed.segments, keyId } };
  const [issue] = document.error.issues;
  return {
    problem: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is not valid'}`.replace(/^: /, ''),
  };
}

import { z } from 'zod';
import { compareText } from '../../core/order.ts';
import { powerState } from './schema.ts';

const optional = <T extends z.ZodType>(type: T) => type.nullish().catch(undefined);

/** A row of the container list, only what tells whether an inspection would say something new. */
const schema = z.object({
  Id: z.string().regex(/^[0-9a-f]{64}$/),
  State: optional(z.string()),
  Status: z.string().catch(''),
  Names: optional(z.array(z.string())),
  Ports: optional(
    z.array(
      z.object({
        IP: optional(z.string()),
        PrivatePort: optional(z.number()),
        PublicPort: optional(z.number()),
        Type: optional(z.string()),
      }),
    ),
  ),
  NetworkSettings: optional(
    z.object({
      Networks: optional(
        z.record(
          z.string(),
          z
            .object({
              EndpointID: optional(z.string()),
              IPAddress: optional(z.string()),
              GlobalIPv6Address: optional(z.string()),
            })
            .nullish()
            .catch(undefined),
        ),
      ),
    }),
  ),
});

type RawRow = z.infer<typeof schema>;

export interface Row {
  readonly id: string;
  /** Running or paused. */
  readonly alive: boolean;
  /** Equal as long as an inspection would say the same; undefined when the row cannot tell. */
  readonly fingerprint: string | undefined;
}

export function readRow(json: unknown): Row | undefined {
  const parsed = schema.safeParse(json);
  if (!parsed.success) return undefined;
  const { Id: id, State } = parsed.data;
  // Without a state nothing can be concluded from the row; the inspection will tell.
  if (State === null || State === undefined) return { id, alive: true, fingerprint: undefined };
  const state = powerState(State);
  return {
    id,
    alive: state === 'running' || state === 'paused',
    fingerprint: restartCouldHide(parsed.data) ? undefined : fingerprintOf(parsed.data, State),
  };
}

/**
 * A restart gives a container new network endpoints, and so another row. One without endpoints (in another container's
 * network) has only its age to tell by: while that is less than two resyncs it is looked at again.
 */
function restartCouldHide(row: RawRow): boolean {
  const endpoints = Object.values(row.NetworkSettings?.Networks ?? {});
  if (endpoints.some((endpoint) => (endpoint?.EndpointID ?? '') !== '')) return false;
  return /^Up (Less than a second|\d+ seconds?|About a minute)/.test(row.Status);
}

function fingerprintOf(row: RawRow, state: string): string {
  const ports = (row.Ports ?? []).map(
    ({ IP, PrivatePort, PublicPort, Type }) =>
      `${IP ?? ''}|${PublicPort ?? ''}|${PrivatePort ?? ''}|${Type ?? ''}`,
  );
  const networks = Object.entries(row.NetworkSettings?.Networks ?? {}).map(
    ([name, it]) => `${name}|${it?.EndpointID ?? ''}|${it?.IPAddress ?? ''}|${it?.GlobalIPv6Address ?? ''}`,
  );
  const health = /\((healthy|unhealthy|health: starting)\)/.exec(row.Status)?.[1] ?? '';
  return [state, health, sorted(row.Names ?? []), sorted(ports), sorted(networks)].join(' ');
}

function sorted(items: readonly string[]): string {
  return [...items].sort(compareText).join(',');
}

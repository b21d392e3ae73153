import { z } from 'zod';

/** The last moment that a date can name, in seconds: a later one is no time, and would be the newest event for ever. */
const LAST_SECOND = 8.64e12;

/** The fields of an engine's event that are used; older engines and Podman leave some out. */
const schema = z.object({
  Type: z.string(),
  Action: z.string(),
  Actor: z.object({
    ID: z.string(),
    Attributes: z.record(z.string(), z.string()).nullish().catch(undefined),
  }),
  time: z.number().min(0).max(LAST_SECOND).optional().catch(undefined),
  timeNano: z
    .number()
    .min(0)
    .max(LAST_SECOND * 1e9)
    .optional()
    .catch(undefined),
});

export interface EngineEvent {
  readonly type: 'container' | 'network';
  /** Without its detail: `health_status: healthy` is `health_status`. */
  readonly action: string;
  /** The container that it is about; undefined for a network event that concerns none. */
  readonly container: string | undefined;
  /** Epoch milliseconds in the engine's clock. */
  readonly at: number;
  /** Identity: the same event read twice has the same key. */
  readonly key: string;
  readonly signal: string | undefined;
  readonly network: EventNetwork | undefined;
}

export interface EventNetwork {
  readonly id: string;
  readonly name: string;
  readonly driver: string;
}

/** `undefined` for what is no event of a container or a network. */
export function readEvent(json: unknown): EngineEvent | undefined {
  const parsed = schema.safeParse(json);
  if (!parsed.success) return undefined;
  const { Type: type, Action, Actor, time = 0, timeNano } = parsed.data;
  if (type !== 'container' && type !== 'network') return undefined;
  const attributes = Actor.Attributes ?? {};
  const action = (Action.split(':', 1)[0] ?? Action).trim();
  const container = type === 'container' ? Actor.ID : attributes['container'];
  const moment = timeNano ?? time * 1e9;
  return {
    type,
    action,
    container,
    at: Math.floor(moment / 1e6),
    // The number has lost its last digits, but equally each time it is read.
    key: `${moment}/${type}/${Action}/${Actor.ID}/${container ?? ''}`,
    signal: attributes['signal'],
    network: type === 'network' ? eventNetwork(Actor.ID, attributes) : undefined,
  };
}

function eventNetwork(id: string, attributes: Readonly<Record<string, string>>): EventNetwork | undefined {
  const { name, type: driver } = attributes;
  return name === undefined || driver === undefined ? undefined : { id, name, driver };
}

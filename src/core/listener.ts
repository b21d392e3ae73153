import * as z from 'zod';
import type { Failure, Result } from './failure.ts';
import type { Stream } from './ports.ts';
import { compareRevisions, type Revision } from './record.ts';

/** One process that feeds proxies, as it says of itself below `/portolan/listeners/`. */
export interface ListenerCard {
  /** New with every start of a process. */
  readonly instance: string;
  readonly host: string;
  readonly version: string;
  /** Epoch milliseconds of the process's start. */
  readonly since: number;
  readonly proxies: readonly ListeningProxy[];
}

/** What a process says of itself in every registry that its proxies follow. */
export type OwnCard = Omit<ListenerCard, 'proxies'>;

interface ListeningProxy {
  readonly name: string;
  /** Prefixes of the keys whose records it serves, each with a slash at its end. */
  readonly paths: readonly string[];
}

/** A proxy's word about one record that is drained by a command. */
export interface DrainAck {
  readonly proxy: string;
  /** The record's key, and the revision of it that the proxy follows. */
  readonly key: string;
  readonly revision: Revision;
  readonly sessions: number;
  /** The server stays in rotation: it is the last one of its service. */
  readonly held: boolean;
}

export interface Listener extends ListenerCard {
  readonly id: string;
  /** By `ackName`. */
  readonly acks: ReadonlyMap<string, DrainAck>;
}

export const ackName = (proxy: string, key: string): string => `${proxy} ${key}`;

/** The listeners of a registry that live, followed by watch. */
export interface Listeners {
  /** False: `all` is what was seen last. */
  readonly known: boolean;
  readonly failure: Failure | undefined;
  readonly all: ReadonlyMap<string, Listener>;
  /** Hot; fed from `run`. */
  readonly changes: Stream<void>;
  /** Lists and watches, again after every break; returns when the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/** Where a listener writes, under its lease: nothing of it outlives that. */
export interface ListenerDesk {
  /** Brings what stands below the listener's key to this: texts by name, its card by the empty name. */
  bring(wanted: ReadonlyMap<string, string>, signal: AbortSignal): Promise<Result<void>>;
  /** What stands there is read again before the next change. */
  forget(): void;
}

const card = z.object({
  instance: z.string(),
  host: z.string().max(255),
  version: z.string(),
  since: z.number(),
  proxies: z
    .array(
      z.object({
        name: z.string().max(64),
        // Without the slash a path would catch its neighbours.
        paths: z
          .array(
            z
              .string()
              .max(1024)
              .regex(/^\/.*\/$/),
          )
          .max(1024),
      }),
    )
    .max(256),
});

const ack = z.object({
  proxy: z.string().max(64),
  key: z.string().max(4096),
  revision: z.string().regex(/^\d{1,19}$/),
  sessions: z.number().int().min(0),
  held: z.boolean(),
});

/** undefined for what is none. */
export function parseCard(json: unknown): ListenerCard | undefined {
  return card.safeParse(json).data;
}

/** undefined for what is none. */
export function parseAck(json: unknown): DrainAck | undefined {
  return ack.safeParse(json).data;
}

/** A record that is drained by a command, at the revision at which it says so. */
export interface DrainedRecord {
  readonly key: string;
  readonly revision: Revision;
}

/** What a proxy still has of drained records; `why` undefined: nothing. */
export interface ProxyRest {
  /** `edge on web-1`. */
  readonly proxy: string;
  readonly why: string | undefined;
  /** All that it has left are last servers, which it keeps in rotation. */
  readonly held: boolean;
}

/** What each proxy that serves one of these records has left of them. */
export function restsOf(
  listeners: Iterable<Listener>,
  drained: readonly DrainedRecord[],
): readonly ProxyRest[] {
  const rests: ProxyRest[] = [];
  for (const listener of listeners)
    for (const { name, paths } of listener.proxies) {
      const served = drained.filter(({ key }) => paths.some((path) => key.startsWith(path)));
      if (served.length > 0) rests.push(restOf(listener, name, served));
    }
  return rests;
}

function restOf({ host, acks }: Listener, name: string, served: readonly DrainedRecord[]): ProxyRest {
  const proxy = `${name} on ${host}`;
  let sessions = 0;
  const silent: string[] = [];
  const held: string[] = [];
  for (const { key, revision } of served) {
    const said = acks.get(ackName(name, key));
    if (said === undefined || compareRevisions(said.revision, revision) < 0) silent.push(key);
    else if (said.held) held.push(key);
    else sessions += said.sessions;
  }
  const busy: string[] = [];
  if (silent.length > 0) busy.push(`${listed(silent)} not taken out yet`);
  if (sessions > 0) busy.push(`${String(sessions)} open session(s)`);
  if (held.length > 0) busy.push(`held: last server (${listed(held)})`);
  return {
    proxy,
    why: busy.length === 0 ? undefined : busy.join('; '),
    held: held.length > 0 && busy.length === 1,
  };
}

function listed([first = '', ...more]: readonly string[]): string {
  return more.length === 0 ? first : `${first} and ${String(more.length)} more`;
}

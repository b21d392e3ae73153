import * as z from 'zod';
import type { Announcer } from './announcer.ts';
import { type Container, type Protocol, shortId } from './container.ts';
import { parseJson } from './json.ts';
import { parsePortNumber } from './port-number.ts';
import { checkSegment } from './segment.ts';
import type { ServiceType } from './service.ts';

/** What is known of a key under which a container may announce itself, of all registries together. */
export type AnnouncementWord =
  /** It stands in no registry that has been read there, and not all have been. */
  | { readonly type: 'unread' }
  | { readonly type: 'absent' }
  | { readonly type: 'here'; readonly value: string }
  /** Gone since (epoch ms); `value`: what stood there last. */
  | { readonly type: 'lapsed'; readonly since: number; readonly value: string };

/** What an agent has heard so far. */
export interface Hearsay {
  readonly word: (key: string) => AnnouncementWord;
  /** Another container that runs on this host answers to this name too. */
  readonly isShared: (name: string, containerId: string) => boolean;
}

/** Where announcements lie, and who makes them when no label says so. */
export interface AnnouncementTerms extends Hearsay {
  readonly by: Announcer;
  /** Ends with a slash. */
  readonly prefix: string;
}

/** What an announcement tells that counts; everything else the agent knows better. `type` undefined: it names none. */
export interface Announcement {
  readonly port: number;
  readonly type: ServiceType | undefined;
}

/** How the announcements for one path of one container stand. */
export interface Standing {
  /** Where the announcement is, was, or is waited for. */
  readonly key: string;
  readonly state: 'here' | 'lapsed' | 'absent' | 'unread' | 'refused';
  /** Why it does not count, of one that was refused. */
  readonly why: string | undefined;
  /** Epoch ms, of one that lapsed. */
  readonly since: number | undefined;
  /** What it says, or said last. */
  readonly said: Announcement | undefined;
}

interface Candidate {
  readonly key: string;
  /** undefined: the container's id, which nobody else has. */
  readonly name: string | undefined;
}

/** The keys under which a container may announce itself for a path: by its id, short or whole, or by its host name. */
export function announcementKeys(
  prefix: string,
  path: readonly string[],
  container: Container,
): readonly string[] {
  return candidatesOf(prefix, path, container).map(({ key }) => key);
}

function candidatesOf(prefix: string, path: readonly string[], container: Container): readonly Candidate[] {
  const { id, hostname } = container;
  const ids = [shortId(id), id];
  const below = (last: string): string => `${prefix}${path.join('/')}/${last}`;
  const candidates: Candidate[] = ids.map((last) => ({ key: below(last), name: undefined }));
  if (!ids.includes(hostname) && checkSegment(hostname) === undefined)
    candidates.push({ key: below(hostname), name: hostname });
  return candidates;
}

/** Finds the announcement of a container for a path. An id goes before a host name, and what stands before what stood. */
export function findAnnouncement(
  path: readonly string[],
  container: Container,
  { prefix, word, isShared }: AnnouncementTerms,
): Standing {
  const found = candidatesOf(prefix, path, container).map((candidate) =>
    standingOf(candidate, word(candidate.key), (name) => isShared(name, container.id)),
  );
  const first = (state: Standing['state']): Standing | undefined => found.find((one) => one.state === state);
  const best = first('here') ?? first('refused') ?? first('lapsed');
  if (best !== undefined) return best;
  // It is waited for where the process inside looks for its own name.
  const [byId, , byName] = found;
  const expected = byName?.why === undefined ? (byName ?? byId) : byId;
  const state = first('unread')?.state ?? 'absent';
  return { key: expected?.key ?? '', state, why: undefined, since: undefined, said: undefined };
}

function standingOf(
  { key, name }: Candidate,
  word: AnnouncementWord,
  isShared: (name: string) => boolean,
): Standing {
  const none: Standing = { key, state: 'absent', why: undefined, since: undefined, said: undefined };
  const strange = name !== undefined && isShared(name);
  const why = strange
    ? `the host name ${name} is not unique here, so the announcement may be another container's`
    : undefined;
  if (word.type === 'unread') return { ...none, state: 'unread', why };
  if (word.type === 'absent') return { ...none, why };
  const read = readAnnouncement(word.value);
  const said = 'problem' in read || strange ? undefined : read;
  if (word.type === 'lapsed')
    return { ...none, state: strange ? 'absent' : 'lapsed', since: word.since, said };
  if (said !== undefined) return { ...none, state: 'here', said };
  return { ...none, state: 'refused', why: why ?? ('problem' in read ? read.problem : undefined) };
}

const LONGEST = 65_536;
const shape = z.object({ PORT: z.union([z.string(), z.number()]), TYPE: z.unknown().optional() });
const TYPES: readonly ServiceType[] = ['HTTP', 'TCP', 'UDP'];

/** What a document below `/announce` says, whoever wrote it. */
function readAnnouncement(value: string): Announcement | { readonly problem: string } {
  const document = value.length > LONGEST ? undefined : parseJson(value);
  if (typeof document !== 'object' || document === null)
    return { problem: 'its announcement is no JSON object' };
  const read = shape.safeParse(document);
  if (!read.success) return { problem: 'its announcement has no PORT' };
  const { PORT, TYPE } = read.data;
  const port = parsePortNumber(String(PORT));
  if (port === undefined) return { problem: 'the PORT of its announcement is not a number from 1 to 65535' };
  const word = typeof TYPE === 'string' ? TYPE.slice(0, 8).toUpperCase() : undefined;
  return { port, type: TYPES.find((type) => type === word) };
}

/** The protocol that an announced port has; one that names no type is as metadata has it. */
export function announcedProtocol({ type }: Announcement, otherwise: Protocol): Protocol {
  if (type === undefined) return otherwise;
  return type === 'UDP' ? 'udp' : 'tcp';
}

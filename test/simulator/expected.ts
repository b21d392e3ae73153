import type { SimHost } from './host.ts';
import { drains, mayBeOut, type Offer, PROBED_MS, SURVIVES_MS, type Subject } from './subjects.ts';

/** What a registry has to show at a key. `any`: it is on its way from one to the other. */
export interface Expectation {
  readonly key: string;
  readonly layout: 'announce' | 'services';
  readonly subject: Subject;
  /** `withheld`: it may stand there, but not as one in rotation. */
  readonly shows: 'nothing' | 'any' | 'announced' | 'registered' | 'draining' | 'withheld';
  readonly hostPort: string | undefined;
}

/** The drain time of an unhealthy container by default, and some more. */
const UNHEALTHY_OVER_MS = 32_000;

/** Derived from what was done to the containers alone, not by the code that is tested. */
export function expectations(host: SimHost, now: number): readonly Expectation[] {
  return host.all.flatMap((subject) =>
    subject.offers.flatMap((offer): Expectation[] => {
      const id = subject.id.slice(0, 12);
      const base = { subject, hostPort: hostPort(host, subject, offer) };
      return [
        {
          ...base,
          layout: 'announce',
          key: `/announce${offer.path}/${id}`,
          shows: subject.aliveSince === undefined ? 'nothing' : 'announced',
        },
        {
          ...base,
          layout: 'services',
          key: `/services${offer.path}/${id}`,
          shows: orderShows(host, subject) ?? serviceShows(subject, now),
        },
      ];
    }),
  );
}

/** What a drain by command makes of it; undefined: nothing. */
function orderShows(host: SimHost, subject: Subject): 'any' | 'withheld' | undefined {
  if (subject.aliveSince === undefined) return undefined;
  if (host.ordersUncertain && host.folder.length > 0) return 'any';
  return host.isOrdered(subject) ? 'withheld' : undefined;
}

function serviceShows(subject: Subject, now: number): Expectation['shows'] {
  const { aliveSince, readySince, unhealthyAt } = subject;
  if (aliveSince === undefined) return 'nothing';
  if (subject.endUncertain || endsNow(subject, now)) return 'any';
  if (drains(subject, now)) return subject.drainCertain ? 'draining' : 'any';
  if (mayBeOut(subject, now)) return 'any';
  const noticedMs = subject.probed ? PROBED_MS : 0;
  if (subject.probed && now - subject.changedAt < noticedMs) return 'any';
  const lastDown = subject.probed ? subject.downs.at(-1) : unhealthyAt;
  if (lastDown !== undefined && readySince === undefined)
    return now - lastDown < UNHEALTHY_OVER_MS + noticedMs ? 'any' : 'nothing';
  return readySince === undefined ? 'nothing' : 'registered';
}

/** The agent counts from when it heard of the signal, which was late if anything was wrong. */
function endsNow({ signalledAt, drainCertain }: Subject, now: number): boolean {
  if (signalledAt === undefined) return false;
  const over = now - signalledAt - SURVIVES_MS;
  return over > -1_500 && over < (drainCertain ? 1_500 : 90_000);
}

function hostPort(host: SimHost, { id }: Subject, { port }: Offer): string | undefined {
  return host.engine.containers
    .get(id)
    ?.hostPort(`${String(port)}/tcp`)
    ?.toString();
}

/** What is wrong with what stands at the key; undefined when it is as expected. */
export function problemAt(
  { key, layout, shows, hostPort: port }: Expectation,
  value: string | undefined,
  host: SimHost,
): string | undefined {
  if (shows === 'any') return undefined;
  if (shows === 'nothing')
    return value === undefined ? undefined : `${key} should not be there, but shows ${value}`;
  if (value === undefined) return shows === 'withheld' ? undefined : `${key} is missing (${shows})`;
  if (!value.startsWith('{')) return `${key} shows ${JSON.stringify(value)}`;
  const document = JSON.parse(value) as Readonly<Record<string, unknown>>;
  if (shows === 'withheld')
    return document['state'] === 'registered'
      ? `${key} is in rotation, but was drained by command`
      : undefined;
  if (layout === 'announce') return undefined;
  const wrong = (name: string, expected: unknown) =>
    document[name] === expected
      ? undefined
      : `${key}: ${name} is ${String(document[name])}, not ${String(expected)}`;
  return (
    wrong('state', shows) ??
    wrong('IP', host.address) ??
    wrong('EXT_PORT', port) ??
    wrong('owner', host.owner)
  );
}

import { backoffDelay, REGISTRY_BACKOFF } from '../core/backoff.ts';
import type { Result } from '../core/failure.ts';
import type { ListeningPorts, OwnAnnouncement, OwnDesk, OwnStanding } from '../core/own-announcement.ts';
import { type Clock, type Log, type Random, sleep } from '../core/ports.ts';

export interface OwnAnnouncerOptions {
  /** Name of the registry, for the log. */
  readonly target: string;
  readonly desk: OwnDesk;
  readonly announcements: readonly OwnAnnouncement[];
  /** undefined: it cannot be told now; then what was seen last counts. */
  readonly listening: () => ListeningPorts | undefined;
  /** What stands in the registry is looked at again this often, in milliseconds. */
  readonly refreshMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** It is looked this often which ports listen. */
const LOOK_MS = 500;

type Answers = ReadonlyMap<string, Result<OwnStanding>>;

/**
 * Says in one registry what this process's container offers, while it does: what listens stands there, what does not is
 * taken away. Level-triggered: what a stranger removes is there again after the next look, his own records stay.
 */
export class OwnAnnouncer {
  readonly #options: OwnAnnouncerOptions;
  readonly #standings = new Map<string, OwnStanding>();
  #ports: ListeningPorts = new Map();
  #failing = new Set<string>();

  constructor(options: OwnAnnouncerOptions) {
    this.#options = options;
  }

  /** Until the signal aborts; then takes everything away. */
  async run(signal: AbortSignal): Promise<void> {
    const { desk, clock, random, refreshMs } = this.#options;
    let before: string | undefined;
    let nextAt = Number.NEGATIVE_INFINITY;
    let attempt = 0;
    while (!signal.aborted) {
      const wanted = this.#wanted();
      const open = [...wanted.keys()].join(' ');
      const news = open !== before || !desk.firm;
      // After a failure only time brings the next try.
      if (clock.monotonic() >= nextAt || (attempt === 0 && news)) {
        before = open;
        const well = this.#take(await desk.bring(wanted, signal), signal);
        nextAt = clock.monotonic() + (well ? refreshMs : backoffDelay(attempt, random(), REGISTRY_BACKOFF));
        attempt = well ? 0 : attempt + 1;
      }
      await sleep(clock, Math.min(LOOK_MS, Math.max(0, nextAt - clock.monotonic())), signal);
    }
    await this.#leave();
  }

  #wanted(): ReadonlyMap<string, string> {
    const { announcements, listening } = this.#options;
    this.#ports = listening() ?? this.#ports;
    const open = announcements.filter(({ port }) => this.#ports.has(port));
    return new Map(open.map(({ key, value }) => [key, value]));
  }

  /** Whether every key is as it should be. */
  #take(answers: Answers, signal: AbortSignal): boolean {
    if (signal.aborted) return false;
    const { log, target } = this.#options;
    const failing = new Set<string>();
    let well = true;
    for (const announcement of this.#options.announcements) {
      const answer = answers.get(announcement.key);
      if (answer?.ok === true) this.#tell(announcement, answer.value);
      else well = false;
      // A moment without a lease is no news: every process begins with it.
      if (answer?.ok !== false || answer.failure.code === 'lease-lost') continue;
      const { code, message } = answer.failure;
      if (!this.#failing.has(message) && !failing.has(message))
        log.warn({ target, reason: message, code }, 'cannot announce now; it is tried again');
      failing.add(message);
    }
    if (well && this.#failing.size > 0) log.info({ target }, 'the registry takes announcements again');
    if (well || failing.size > 0) this.#failing = failing;
    return well;
  }

  /** One line for each change. */
  #tell({ key, path, port }: OwnAnnouncement, standing: OwnStanding): void {
    const { log, target } = this.#options;
    const before = this.#standings.get(key);
    this.#standings.set(key, standing);
    const fields = { service: path, key, target };
    const where = `port ${String(port)}`;
    switch (standing.state) {
      case 'stands':
        if (before?.state !== 'stands') this.#tellStands({ ...fields, action: 'create' }, port);
        else if (standing.written)
          log.info({ ...fields, action: 'create', reason: 'it was gone or changed' }, 'announced again');
        return;
      case 'absent':
        if (before?.state === 'stands')
          log.info(
            { ...fields, action: 'delete', reason: `nothing listens on ${where} any more` },
            'withdrawn',
          );
        else if (before === undefined)
          log.info({ ...fields, reason: `nothing listens on ${where} yet` }, 'waiting');
        return;
      case 'foreign':
        if (before?.state !== 'foreign' || before.why !== standing.why)
          log.warn({ ...fields, reason: standing.why }, 'not announced');
    }
  }

  #tellStands(fields: object, port: number): void {
    const { log } = this.#options;
    if (this.#ports.get(port) === 'loopback') {
      const reason = `port ${String(port)} listens on loopback alone, where nobody outside this container reaches it`;
      log.warn({ ...fields, reason }, 'announced');
    } else log.info({ ...fields, reason: `port ${String(port)} listens` }, 'announced');
  }

  async #leave(): Promise<void> {
    const { desk, log, target, announcements } = this.#options;
    const left = await desk.leave(new AbortController().signal);
    if (!left.ok) {
      const { message, code } = left.failure;
      log.warn({ target, reason: message, code }, 'cannot withdraw; what stands there goes with its lease');
      return;
    }
    for (const { key, path } of announcements)
      if (this.#standings.get(key)?.state === 'stands')
        log.info({ service: path, key, target, action: 'delete', reason: 'this process ends' }, 'withdrawn');
  }
}

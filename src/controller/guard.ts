import { BRAKE_CONFIRM_MS, BRAKE_OFF, BRAKE_RELEASE_MS, type BrakeState, brake } from '../core/brake.ts';
import type { CauseCode } from '../core/cause.ts';
import type { Change } from '../core/plan.ts';
import { forbids, type Policy } from '../core/policy.ts';
import type { Clock } from '../core/ports.ts';
import type { Journal } from './journal.ts';
import type { TakenWork, Workqueue } from './workqueue.ts';

export type Say = (level: 'debug' | 'info' | 'warn', fields: object, message: string) => void;

export interface GuardOptions {
  readonly policy: () => Policy;
  readonly clock: Clock;
  readonly queue: Workqueue;
  readonly journal: Journal;
  readonly say: Say;
  /** Asks the source to read everything again. */
  readonly confirm: () => void;
  /** Own records in the registry now. */
  readonly owned: () => number;
  /** Time (monotonic ms) of the source's last complete list. */
  readonly listedAt: () => number | undefined;
  /** What some running container offers is not known. */
  readonly partial: () => boolean;
}

/** Keys that the brake holds are looked at again this often. */
const HELD_RECHECK_MS = 500;

/** Whoever destroys a record as fast as it is made again must not make us race with him. */
const REPAIR_PAUSE_MS = 500;
const REPAIRS: readonly CauseCode[] = ['damage-missing', 'damage-entry', 'damage-altered'];

/** Is it allowed? Takes out of a batch what the policy forbids and what the brake holds back. */
export class Guard {
  readonly #options: GuardOptions;
  #brake: BrakeState = BRAKE_OFF;
  /** Removals without an explanation that wait in the queue: the brake counts them before their batch comes. */
  readonly #foreseen = new Set<string>();
  /** When (monotonic ms) each record was last repaired, the latest last. */
  readonly #repaired = new Map<string, number>();

  constructor(options: GuardOptions) {
    this.#options = options;
  }

  get brakeEngaged(): boolean {
    return this.#brake.engagedAt !== undefined;
  }

  /** A key was queued, and whether that means a removal without an explanation. */
  foresee(key: string, removal: boolean): void {
    if (removal) this.#foreseen.add(key);
    else this.#foreseen.delete(key);
  }

  /** Removes from `planned`, what the keys of `batch` need, all that may not be done now, and books why. */
  filter(planned: Map<TakenWork, Change>, batch: readonly TakenWork[]): void {
    for (const { key } of batch) this.#foreseen.delete(key);
    this.#forbid(planned);
    this.#keepOrphans(planned);
    this.#slowRepairs(planned);
    this.#hold(planned);
  }

  #forbid(planned: Map<TakenWork, Change>): void {
    const { clock, policy, journal, queue, say } = this.#options;
    for (const [work, change] of planned) {
      const why = forbids(policy(), change);
      if (why === undefined) continue;
      planned.delete(work);
      const fresh = journal.missed(work, {
        state: 'blocked',
        outcome: 'blocked',
        at: clock.now(),
        nextTryAt: undefined,
        why,
      });
      if (fresh) say('info', { key: work.key, ...work.subject, reason: why }, 'change not allowed');
      queue.finish(work.key);
    }
  }

  /** A partial read never leads to a delete: a record that nobody seems to want may be an unread container's. */
  #keepOrphans(planned: Map<TakenWork, Change>): void {
    if (!this.#options.partial()) return;
    for (const [work, change] of planned)
      if (change.action === 'delete' && work.cause.code === 'orphan')
        this.#wait(planned, work, 'a running container could not be read; this record may be its');
  }

  #slowRepairs(planned: Map<TakenWork, Change>): void {
    const now = this.#options.clock.monotonic();
    for (const [key, at] of this.#repaired) {
      if (now - at < REPAIR_PAUSE_MS) break;
      this.#repaired.delete(key);
    }
    for (const [work, change] of planned) {
      if (!REPAIRS.includes(change.cause.code)) continue;
      if (this.#repaired.has(work.key)) this.#wait(planned, work, 'it was repaired a moment ago');
      else this.#repaired.set(work.key, now);
    }
  }

  #hold(planned: Map<TakenWork, Change>): void {
    const { clock, owned, listedAt, say } = this.#options;
    const unexplained = [...planned]
      .filter(([work, change]) => change.action === 'delete' && !work.cause.explained)
      .map(([work]) => work);
    const removals = unexplained.map(({ key }) => key);
    const decision = brake(this.#brake, {
      removals,
      foreseen: this.#foreseen,
      owned: owned(),
      now: clock.monotonic(),
      listedAt: listedAt(),
    });
    this.#brake = decision.state;
    if (decision.engages) this.#engage(decision.held.size);
    if (decision.releases) say('info', { removals: unexplained.length }, 'brake released');
    for (const work of unexplained)
      if (decision.held.has(work.key))
        this.#wait(planned, work, 'many removals at once that no event explains');
  }

  #wait(planned: Map<TakenWork, Change>, work: TakenWork, why: string): void {
    const { clock, journal, queue } = this.#options;
    planned.delete(work);
    const at = clock.now();
    const nextTryAt = at + queue.recheck(work, HELD_RECHECK_MS);
    journal.missed(work, { state: 'held', outcome: 'held back', at, nextTryAt, why });
  }

  #engage(held: number): void {
    const { clock, confirm, say } = this.#options;
    say(
      'warn',
      { removals: held, confirm_ms: BRAKE_CONFIRM_MS, release_ms: BRAKE_RELEASE_MS },
      'brake: many removals at once that no event explains; the source is read again',
    );
    clock.timer(BRAKE_CONFIRM_MS, confirm);
  }
}

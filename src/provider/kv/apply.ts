import { type Failure, failure } from '../../core/failure.ts';
import type { Change } from '../../core/plan.ts';
import type { ChangeResult, PartialObservation } from '../../core/ports.ts';
import type { Names } from './names.ts';
import type { Session } from './session.ts';
import {
  halve,
  holds,
  packUnits,
  phasesOf,
  type Step,
  seenAfter,
  seenInstead,
  stepOf,
  type Unit,
  weightOf,
} from './steps.ts';
import { type KvWriter, MAX_TXN_OPERATIONS, type TransactionResult } from './store.ts';
import type { Held } from './takeover.ts';

const IN_FLIGHT = 4;
/** The smallest transaction: one step of weight two and the fence. */
const LEAST = 2;

/** After these nothing is known about the rest either, so the rest is not sent. */
const SICK: readonly string[] = ['registry-unreachable', 'registry-timeout', 'outcome-unknown'];
/** One step may be the reason: it is looked for by halves, so that the others get through. */
const DIVISIBLE: readonly string[] = ['record-rejected', 'registry-denied', 'too-many-operations'];

export interface ApplierOptions {
  readonly writer: KvWriter;
  readonly session: Session;
  readonly names: Names;
}

/** Brings changes into the registry, in few transactions that each compare the heartbeat. */
export class Applier {
  readonly #options: ApplierOptions;
  /** Weight of a transaction without the fence; shrinks when a registry turns out to take less. */
  #limit = MAX_TXN_OPERATIONS - 1;

  constructor(options: ApplierOptions) {
    this.#options = options;
  }

  /** `under`: the lease for what is leased, if it is not the session's. */
  async apply(
    changes: readonly Change[],
    signal: AbortSignal,
    under?: string,
  ): Promise<readonly ChangeResult[]> {
    const { session, names } = this.#options;
    const { held } = session;
    if (held === undefined) return changes.map((change) => refused(change, session.refusal));
    const lease = under ?? held.lease;
    const steps = changes.map((change) => stepOf(change, names.entry(change.key), lease));
    const pass = new Pass(this.#options, { held, lease, signal }, (weight) => {
      this.#limit = Math.min(this.#limit, Math.max(LEAST, weight >> 1));
    });
    for (const phase of phasesOf(steps)) await pass.run(packUnits(phase, this.#limit));
    return steps.map((step) => pass.resultOf(step));
  }
}

function refused(change: Change, cause: Failure): ChangeResult {
  return { change, outcome: { type: 'retry', failure: cause }, seen: [] };
}

type Batch = readonly Unit[];

/** What one call of `apply` writes under. */
interface Terms {
  readonly held: Held;
  readonly lease: string;
  readonly signal: AbortSignal;
}

/** One call of `apply`. */
class Pass {
  readonly #options: ApplierOptions;
  readonly #held: Held;
  readonly #lease: string;
  readonly #signal: AbortSignal;
  readonly #tooMany: (weight: number) => void;
  readonly #results = new Map<Step, ChangeResult>();
  /** Set once the registry does not answer. */
  #sick: Failure | undefined;

  constructor(options: ApplierOptions, terms: Terms, tooMany: (weight: number) => void) {
    this.#options = options;
    this.#held = terms.held;
    this.#lease = terms.lease;
    this.#signal = terms.signal;
    this.#tooMany = tooMany;
  }

  resultOf(step: Step): ChangeResult {
    const result = this.#results.get(step);
    if (result === undefined) throw new Error(`no outcome for ${step.change.key}`);
    return result;
  }

  /** Ends when all batches have an outcome. */
  async run(batches: readonly Batch[]): Promise<void> {
    const queue = batches[Symbol.iterator]();
    const worker = async (): Promise<void> => {
      for (let next = queue.next(); next.done !== true; next = queue.next()) await this.#send(next.value);
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  }

  async #send(batch: Batch): Promise<void> {
    const steps = batch.flat();
    if (steps.length === 0) return;
    const refusal = this.#refusal();
    if (refusal !== undefined) {
      this.#fail(steps, refusal);
      return;
    }
    const { writer, names } = this.#options;
    const fence = { key: names.heartbeat, target: 'mod', revision: this.#held.revision } as const;
    const answer = await writer.txn(
      {
        compares: [fence, ...steps.flatMap(({ compares }) => compares)],
        then: steps.flatMap(({ then }) => then),
        otherwise: [names.heartbeat, ...steps.flatMap(({ change, entryKey }) => [change.key, entryKey])],
      },
      this.#signal,
    );
    if (!answer.ok) await this.#failed(batch, answer.failure);
    else if (answer.value.succeeded) this.#succeeded(steps, answer.value);
    else await this.#compareFailed(batch, answer.value);
  }

  #refusal(): Failure | undefined {
    if (this.#sick !== undefined) return failure('registry-unreachable', `not sent: ${this.#sick.message}`);
    return this.#options.session.held?.revision === this.#held.revision
      ? undefined
      : this.#options.session.refusal;
  }

  #succeeded(steps: readonly Step[], { revision, found }: TransactionResult): void {
    for (const step of steps) {
      const seen = seenAfter(step, revision, this.#lease, found.get(step.change.key));
      this.#results.set(step, { change: step.change, outcome: { type: 'settled', revision }, seen });
    }
  }

  /** The answer tells which keys moved; the rest goes again at once. Each round has fewer steps, so it ends. */
  async #compareFailed(batch: Batch, { revision, found }: TransactionResult): Promise<void> {
    const { names, session } = this.#options;
    const heartbeat = found.get(names.heartbeat);
    if (heartbeat?.modRevision !== this.#held.revision) {
      this.#fail(batch.flat(), session.fenced(this.#held, heartbeat === undefined));
      return;
    }
    const moved = new Set(batch.flat().filter((step) => !holds(step, found)));
    if (moved.size === 0) for (const step of batch.flat()) moved.add(step);
    for (const step of moved) this.#fail([step], failure('record-moved'), seenInstead(step, revision, found));
    const rest = batch.map((unit) => unit.filter((step) => !moved.has(step)));
    await this.#send(rest.filter((unit) => unit.length > 0));
  }

  async #failed(batch: Batch, cause: Failure): Promise<void> {
    if (SICK.includes(cause.code)) this.#sick ??= cause;
    if (cause.code === 'lease-lost') this.#options.session.recheck();
    if (cause.code === 'too-many-operations') this.#tooMany(weightOf(batch.flat()));
    const halves = DIVISIBLE.includes(cause.code) ? halve(batch) : undefined;
    if (halves === undefined) this.#fail(batch.flat(), cause);
    else for (const half of halves) await this.#send(half);
  }

  #fail(steps: readonly Step[], cause: Failure, seen: readonly PartialObservation[] = []): void {
    for (const step of steps) {
      const { change } = step;
      this.#results.set(step, { change, outcome: { type: 'retry', failure: cause }, seen });
    }
  }
}

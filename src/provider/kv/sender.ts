import { type Failure, failure } from '../../core/failure.ts';
import type { ChangeResult, PartialObservation } from '../../core/ports.ts';
import {
  halve,
  holds,
  packUnits,
  phasesOf,
  type Step,
  seenAfter,
  seenInstead,
  type Unit,
  weightOf,
} from './steps.ts';
import {
  type Compare,
  type KeyValue,
  type KvWriter,
  MAX_TXN_OPERATIONS,
  type TransactionResult,
} from './store.ts';

const IN_FLIGHT = 4;
/** The smallest transaction: one step of weight two and the fence. */
const LEAST = 2;

/** After these nothing is known about the rest either, so the rest is not sent. */
const SICK: readonly string[] = ['registry-unreachable', 'registry-timeout', 'outcome-unknown'];
/** One step may be the reason: it is looked for by halves, so that the others get through. */
const DIVISIBLE: readonly string[] = ['record-rejected', 'registry-denied', 'too-many-operations'];

/** What every transaction of a sender compares before anything else: the right to write. */
export interface Fence {
  readonly compares: readonly Compare[];
  /** Why nothing (more) may be sent; asked before each transaction. */
  refusal(): Failure | undefined;
  /** What a failed transaction found at the fence's keys says about the right; undefined: it stands. */
  broken(found: ReadonlyMap<string, KeyValue>): Failure | undefined;
  /** A transaction failed because the lease that it put something under does not exist. */
  leaseLost(): void;
}

/** Sends steps in few transactions that each compare a fence of `fenceSize` keys. */
export class Sender {
  readonly #writer: KvWriter;
  /** Weight of a transaction without the fence; shrinks when a registry turns out to take less. */
  #limit: number;

  constructor(writer: KvWriter, fenceSize: number) {
    this.#writer = writer;
    this.#limit = MAX_TXN_OPERATIONS - fenceSize;
  }

  /** One result for each step, in the same order. `lease`: what leased records are put under. */
  async send(
    steps: readonly Step[],
    fence: Fence,
    lease: string,
    signal: AbortSignal,
  ): Promise<readonly ChangeResult[]> {
    const tooMany = (weight: number): void => {
      this.#limit = Math.min(this.#limit, Math.max(LEAST, weight >> 1));
    };
    const pass = new Pass({ writer: this.#writer, fence, lease, signal, tooMany });
    for (const phase of phasesOf(steps)) await pass.run(packUnits(phase, this.#limit));
    return steps.map((step) => pass.resultOf(step));
  }
}

interface PassOptions {
  readonly writer: KvWriter;
  readonly fence: Fence;
  readonly lease: string;
  readonly signal: AbortSignal;
  readonly tooMany: (weight: number) => void;
}

type Batch = readonly Unit[];

/** One call of `send`. */
class Pass {
  readonly #writer: KvWriter;
  readonly #fence: Fence;
  readonly #lease: string;
  readonly #signal: AbortSignal;
  readonly #tooMany: (weight: number) => void;
  readonly #results = new Map<Step, ChangeResult>();
  /** Set once the registry does not answer. */
  #sick: Failure | undefined;

  constructor(options: PassOptions) {
    this.#writer = options.writer;
    this.#fence = options.fence;
    this.#lease = options.lease;
    this.#signal = options.signal;
    this.#tooMany = options.tooMany;
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
    const { compares: fence } = this.#fence;
    const answer = await this.#writer.txn(
      {
        compares: [...fence, ...steps.flatMap(({ compares }) => compares)],
        then: steps.flatMap(({ then }) => then),
        otherwise: [
          ...fence.map(({ key }) => key),
          ...steps.flatMap(({ change, entryKey }) => [change.key, entryKey]),
        ],
      },
      this.#signal,
    );
    if (!answer.ok) await this.#failed(batch, answer.failure);
    else if (answer.value.succeeded) this.#succeeded(steps, answer.value);
    else await this.#compareFailed(batch, answer.value);
  }

  #refusal(): Failure | undefined {
    if (this.#sick !== undefined) return failure('registry-unreachable', `not sent: ${this.#sick.message}`);
    return this.#fence.refusal();
  }

  #succeeded(steps: readonly Step[], { revision, found }: TransactionResult): void {
    for (const step of steps) {
      const seen = seenAfter(step, revision, this.#lease, found.get(step.change.key));
      this.#results.set(step, { change: step.change, outcome: { type: 'settled', revision }, seen });
    }
  }

  /** The answer tells which keys moved; the rest goes again at once. Each round has fewer steps, so it ends. */
  async #compareFailed(batch: Batch, { revision, found }: TransactionResult): Promise<void> {
    const broken = this.#fence.broken(found);
    if (broken !== undefined) {
      this.#fail(batch.flat(), broken);
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
    if (cause.code === 'lease-lost') this.#fence.leaseLost();
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

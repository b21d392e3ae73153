import type { Failure } from '../../core/failure.ts';
import type { Change } from '../../core/plan.ts';
import type { ChangeResult } from '../../core/ports.ts';
import type { Names } from './names.ts';
import { type Fence, Sender } from './sender.ts';
import type { Session } from './session.ts';
import { stepOf } from './steps.ts';
import type { KvWriter } from './store.ts';
import type { Held } from './takeover.ts';

export interface ApplierOptions {
  readonly writer: KvWriter;
  readonly session: Session;
  readonly names: Names;
}

/** Brings changes into the registry, in few transactions that each compare the heartbeat. */
export class Applier {
  readonly #options: ApplierOptions;
  readonly #sender: Sender;

  constructor(options: ApplierOptions) {
    this.#options = options;
    this.#sender = new Sender(options.writer, 1);
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
    return await this.#sender.send(steps, ownFence(session, names, held), lease, signal);
  }
}

/** The heartbeat is still as we wrote it: no other instance of this owner has come. */
export function ownFence(session: Session, { heartbeat }: Names, held: Held): Fence {
  return {
    compares: [{ key: heartbeat, target: 'mod', revision: held.revision }],
    refusal: () => (session.held?.revision === held.revision ? undefined : session.refusal),
    broken: (found) => {
      const stands = found.get(heartbeat);
      return stands?.modRevision === held.revision ? undefined : session.fenced(held, stands === undefined);
    },
    leaseLost: () => {
      session.recheck();
    },
  };
}

export function refused(change: Change, cause: Failure): ChangeResult {
  return { change, outcome: { type: 'retry', failure: cause }, seen: [] };
}

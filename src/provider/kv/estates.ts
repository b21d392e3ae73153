import type { Bequest } from '../../core/estate.ts';
import { fail, failure, ok, type Result } from '../../core/failure.ts';
import type { ChangeResult, EstateClaim, EstateWriter, JanitorClaim } from '../../core/ports.ts';
import type { Revision } from '../../core/record.ts';
import { ownFence, refused } from './apply.ts';
import { decodeClaim, decodeHeartbeat, encodeClaim } from './heartbeat.ts';
import { Names } from './names.ts';
import { type Fence, Sender } from './sender.ts';
import type { Session } from './session.ts';
import { stepOf } from './steps.ts';
import type { Compare, KeyValue, KvReader, KvWriter, Operation, Transaction } from './store.ts';
import type { Held } from './takeover.ts';

/** Own heartbeat, the lost one, its card, the claim. */
const FENCE_SIZE = 4;

export interface EstatesOptions {
  readonly reader: KvReader;
  readonly writer: KvWriter;
  readonly session: Session;
  /** This agent's own names. */
  readonly names: Names;
  readonly owner: string;
}

/** A claim with what its transactions compare. */
interface KvClaim extends EstateClaim {
  readonly names: Names;
  readonly held: Held;
  /** When the claim was put: it ends with our lease, so whatever stands there later is another one. */
  readonly created: Revision;
}

export class Estates implements EstateWriter {
  readonly #options: EstatesOptions;
  readonly #sender: Sender;

  constructor(options: EstatesOptions) {
    this.#options = options;
    this.#sender = new Sender(options.writer, FENCE_SIZE);
  }

  async claim(
    owner: string,
    card: Revision,
    signal: AbortSignal,
    evenFrom?: JanitorClaim['finding'],
  ): Promise<Result<EstateClaim | undefined>> {
    const { session, names: own, owner: self } = this.#options;
    const { held } = session;
    if (held === undefined) return { ok: false, failure: session.refusal };
    const names = new Names(owner);
    const value = encodeClaim({ owner: self, finding: 'looking' });
    const put: Operation = { type: 'put', key: names.janitor, value, lease: held.lease };
    const absent = [...ownFence(session, own, held).compares, ...absence(names, card)];
    const claim = (created: Revision): KvClaim => ({ owner, card, names, held, created });
    const free: Compare = { key: names.janitor, target: 'create', revision: '0' };
    const otherwise = [names.janitor];
    const taken = await this.#txn({ compares: [...absent, free], then: [put], otherwise }, signal);
    if (!taken.ok) return taken;
    if (taken.value.succeeded) return ok(claim(taken.value.revision));
    // Ours from before: the claim of an earlier process, or one whose answer was lost.
    const found = taken.value.found.get(names.janitor);
    if (found === undefined) return ok(undefined);
    const stands = decodeClaim(found);
    if (stands.owner !== self && stands.finding !== evenFrom) return ok(undefined);
    const same: Compare = { key: names.janitor, target: 'mod', revision: found.modRevision };
    const again = await this.#txn({ compares: [...absent, same], then: [put], otherwise }, signal);
    if (!again.ok) return again;
    return ok(again.value.succeeded ? claim(found.createRevision) : undefined);
  }

  async tell(
    claim: EstateClaim,
    finding: JanitorClaim['finding'],
    signal: AbortSignal,
  ): Promise<Result<void>> {
    const { names, held } = claim as KvClaim;
    const value = encodeClaim({ owner: this.#options.owner, finding });
    return await this.#under(claim, [{ type: 'put', key: names.janitor, value, lease: held.lease }], signal);
  }

  async clear(
    claim: EstateClaim,
    bequests: readonly Bequest[],
    signal: AbortSignal,
  ): Promise<readonly ChangeResult[]> {
    const { names, held } = claim as KvClaim;
    const fence = this.#fence(claim as KvClaim);
    const refusal = fence.refusal();
    if (refusal !== undefined) return bequests.map(({ change }) => refused(change, refusal));
    const steps = bequests.map(({ change, scrap }) =>
      stepOf(change, scrap ? change.key : names.entry(change.key), held.lease),
    );
    return await this.#sender.send(steps, fence, held.lease, signal);
  }

  async finish(claim: EstateClaim, signal: AbortSignal): Promise<Result<void>> {
    const { names } = claim as KvClaim;
    const gone = [names.card, names.janitor];
    return await this.#under(
      claim,
      gone.map((key): Operation => ({ type: 'delete', key })),
      signal,
    );
  }

  async release(owner: string, signal: AbortSignal): Promise<Result<void>> {
    const { reader, owner: self } = this.#options;
    const key = new Names(owner).janitor;
    const read = await reader.get([key], signal);
    if (!read.ok) return read;
    const found = read.value.entries.get(key);
    if (found === undefined || decodeClaim(found).owner !== self) return ok(undefined);
    const compares: readonly Compare[] = [{ key, target: 'mod', revision: found.modRevision }];
    const released = await this.#txn({ compares, then: [{ type: 'delete', key }], otherwise: [] }, signal);
    return released.ok ? ok(undefined) : released;
  }

  async endHandover(owner: string, signal: AbortSignal): Promise<Result<void>> {
    const { reader, session, names: own } = this.#options;
    const { held } = session;
    if (held === undefined) return { ok: false, failure: session.refusal };
    const key = new Names(owner).heartbeat;
    const read = await reader.get([key], signal);
    if (!read.ok) return read;
    const found = read.value.entries.get(key);
    if (found === undefined) return ok(undefined);
    if (decodeHeartbeat(found)?.handover !== true) return fail('host-returned', 'its agent runs');
    const same: Compare = { key, target: 'mod', revision: found.modRevision };
    const compares = [...ownFence(session, own, held).compares, same];
    const ended = await this.#txn({ compares, then: [{ type: 'delete', key }], otherwise: [] }, signal);
    if (!ended.ok) return ended;
    return ended.value.succeeded ? ok(undefined) : fail('host-returned', 'it changed at this moment');
  }

  #txn(transaction: Transaction, signal: AbortSignal) {
    return this.#options.writer.txn(transaction, signal);
  }

  async #under(claim: EstateClaim, then: readonly Operation[], signal: AbortSignal): Promise<Result<void>> {
    const fence = this.#fence(claim as KvClaim);
    const refusal = fence.refusal();
    if (refusal !== undefined) return { ok: false, failure: refusal };
    const { compares } = fence;
    const done = await this.#txn({ compares, then, otherwise: compares.map(({ key }) => key) }, signal);
    if (!done.ok) return done;
    if (done.value.succeeded) return ok(undefined);
    return { ok: false, failure: fence.broken(done.value.found) ?? failure('record-moved') };
  }

  #fence({ names, held, card, created }: KvClaim): Fence {
    const { session, names: own } = this.#options;
    const ours = ownFence(session, own, held);
    return {
      ...ours,
      compares: [
        ...ours.compares,
        ...absence(names, card),
        { key: names.janitor, target: 'create', revision: created },
      ],
      broken: (found: ReadonlyMap<string, KeyValue>) => {
        if (found.has(names.heartbeat) || (found.get(names.card)?.modRevision ?? '0') !== card)
          return failure('host-returned');
        if (found.get(names.janitor)?.createRevision !== created) return failure('claim-lost');
        return ours.broken(found);
      },
    };
  }
}

/** The host is still away, and this is the absence that was seen: a heartbeat that came and went has moved the card. */
function absence({ heartbeat, card }: Names, revision: Revision): readonly Compare[] {
  return [
    { key: heartbeat, target: 'create', revision: '0' },
    { key: card, target: 'mod', revision },
  ];
}

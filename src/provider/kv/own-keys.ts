import { fail, ok, type Result } from '../../core/failure.ts';
import type { OwnDesk, OwnStanding } from '../../core/own-announcement.ts';
import type { LeaseKeeper } from './lease-keeper.ts';
import type { KeyValue, KvReader, KvWriter, Operation } from './store.ts';

export interface OwnKeysOptions {
  readonly reader: KvReader;
  readonly writer: KvWriter;
  /** Of this process and of nothing else: what hangs on it is ours. */
  readonly lease: LeaseKeeper;
  readonly keys: readonly string[];
}

/** Keys without a ledger, as announcers inside containers always wrote them: ours is what hangs on our lease. */
export class KvOwnKeys implements OwnDesk {
  readonly #options: OwnKeysOptions;
  #under: string | undefined;

  constructor(options: OwnKeysOptions) {
    this.#options = options;
  }

  get firm(): boolean {
    const footing = this.#options.lease.footing();
    return footing.ok && footing.value.lease === this.#under;
  }

  async bring(
    wanted: ReadonlyMap<string, string>,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Result<OwnStanding>>> {
    const { lease, keys } = this.#options;
    const footing = lease.footing();
    if (!footing.ok) return new Map(keys.map((key) => [key, footing]));
    const under = footing.value.lease;
    // One by one: what one key may not do concerns no other.
    const one = async (key: string) => [key, await this.#bring(key, wanted.get(key), under, signal)] as const;
    const answers = new Map(await Promise.all(keys.map(one)));
    this.#under = under;
    return answers;
  }

  async leave(signal: AbortSignal): Promise<Result<void>> {
    return await this.#options.lease.giveBack(signal);
  }

  async #bring(
    key: string,
    wanted: string | undefined,
    lease: string,
    signal: AbortSignal,
  ): Promise<Result<OwnStanding>> {
    const read = await this.#options.reader.get([key], signal);
    if (!read.ok) return read;
    const entry = read.value.entries.get(key);
    const ours = entry?.lease === lease;
    if (wanted === undefined)
      return ours
        ? await this.#send({ type: 'delete', key }, entry, { state: 'absent' }, signal)
        : ok({ state: 'absent' });
    if (ours && entry.value === wanted) return ok({ state: 'stands', written: false });
    if (entry !== undefined && !ours && !(await this.#isLeftover(entry, wanted, signal)))
      return ok({ state: 'foreign', why: whoseIs(entry, wanted) });
    const put = { type: 'put', key, value: wanted, lease } as const;
    return await this.#send(put, entry, { state: 'stands', written: true }, signal);
  }

  /** As it was when it was read, or not at all. */
  async #send(
    operation: Operation,
    entry: KeyValue | undefined,
    done: OwnStanding,
    signal: AbortSignal,
  ): Promise<Result<OwnStanding>> {
    const compare =
      entry === undefined
        ? ({ target: 'create', revision: '0' } as const)
        : ({ target: 'mod', revision: entry.modRevision } as const);
    const compares = [{ key: operation.key, ...compare }];
    const sent = await this.#options.writer.txn({ compares, then: [operation], otherwise: [] }, signal);
    if (!sent.ok) return sent;
    return sent.value.succeeded ? ok(done) : fail('record-moved');
  }

  /**
   * What this process wrote before it was killed, for the lease of that is no longer kept alive: taken up as it stands,
   * nobody sees it go. A lease that has lived for half its time has missed a keep-alive.
   */
  async #isLeftover({ lease, value }: KeyValue, wanted: string, signal: AbortSignal): Promise<boolean> {
    if (lease === '0' || value !== wanted) return false;
    const { writer, lease: own } = this.#options;
    const time = await writer.leaseTimeToLive(lease, signal);
    return time.ok && time.value.granted === own.ttlSeconds && time.value.remaining * 2 < time.value.granted;
  }
}

function whoseIs({ lease, value }: KeyValue, wanted: string): string {
  if (lease === '0')
    return 'a record without a lease stands there, which this process did not write; delete it if nobody needs it';
  return value === wanted
    ? 'another process announces the same there, or did until a moment ago; what is not kept alive is taken over'
    : 'somebody else announces something else there; give this container a path or a host name of its own';
}

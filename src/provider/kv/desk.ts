import { fail, ok, type Result } from '../../core/failure.ts';
import type { ListenerDesk } from '../../core/listener.ts';
import { checkSegment } from '../../core/segment.ts';
import { LISTENERS_PREFIX } from './names.ts';
import { type Compare, type KvReader, type KvWriter, MAX_TXN_OPERATIONS, type Operation } from './store.ts';

/** What a listener may write under: a lease that is kept alive, and what has to be so for it to be ours. */
export interface Footing {
  readonly lease: string;
  readonly compares: readonly Compare[];
}

export interface DeskOptions {
  readonly reader: KvReader;
  readonly writer: KvWriter;
  /** Of the listener. */
  readonly id: string;
  /** Fails with the reason when nothing may be written now. */
  readonly footing: () => Result<Footing>;
}

/** Stands there, but not under our lease: it has to be written again, or it would go with the other one. */
const STALE = Symbol('stale');

/** Writes only what differs from what stands there, in few transactions. */
export class KvDesk implements ListenerDesk {
  readonly #options: DeskOptions;
  readonly #card: string;
  /** What stands there by key, and under which lease that was so; undefined: it has to be read. */
  #stands: { readonly lease: string; readonly texts: Map<string, string | typeof STALE> } | undefined;

  constructor(options: DeskOptions) {
    const problem = checkSegment(options.id);
    if (problem !== undefined) throw new Error(`the id of a listener ${problem}`);
    this.#options = options;
    this.#card = `${LISTENERS_PREFIX}${options.id}`;
  }

  forget(): void {
    this.#stands = undefined;
  }

  async bring(wanted: ReadonlyMap<string, string>, signal: AbortSignal): Promise<Result<void>> {
    const footing = this.#options.footing();
    if (!footing.ok) return footing;
    const stands = await this.#read(footing.value.lease, signal);
    if (!stands.ok) return stands;
    const operations = this.#operations(wanted, stands.value, footing.value.lease);
    const room = MAX_TXN_OPERATIONS - footing.value.compares.length;
    for (let from = 0; from < operations.length; from += room) {
      const sent = await this.#send(operations.slice(from, from + room), footing.value, signal);
      if (!sent.ok) {
        this.#stands = undefined;
        return sent;
      }
    }
    return ok(undefined);
  }

  async #read(lease: string, signal: AbortSignal): Promise<Result<Map<string, string | typeof STALE>>> {
    if (this.#stands?.lease === lease) return ok(this.#stands.texts);
    const { reader } = this.#options;
    const card = await reader.get([this.#card], signal);
    if (!card.ok) return card;
    const below = await reader.list(`${this.#card}/`, signal);
    if (!below.ok) return below;
    const texts = new Map<string, string | typeof STALE>();
    for (const { key, value, lease: under } of [...card.value.entries.values(), ...below.value.entries])
      texts.set(key, under === lease ? value : STALE);
    this.#stands = { lease, texts };
    return ok(texts);
  }

  #operations(
    wanted: ReadonlyMap<string, string>,
    stands: ReadonlyMap<string, string | typeof STALE>,
    lease: string,
  ): readonly Operation[] {
    const texts = new Map(
      [...wanted].map(([name, text]) => [name === '' ? this.#card : `${this.#card}/${name}`, text]),
    );
    const operations: Operation[] = [];
    for (const [key, value] of texts)
      if (stands.get(key) !== value) operations.push({ type: 'put', key, value, lease });
    for (const key of stands.keys()) if (!texts.has(key)) operations.push({ type: 'delete', key });
    return operations;
  }

  async #send(then: readonly Operation[], { compares }: Footing, signal: AbortSignal): Promise<Result<void>> {
    const sent = await this.#options.writer.txn({ compares, then, otherwise: [] }, signal);
    if (!sent.ok) return sent;
    if (!sent.value.succeeded) return fail('lease-lost');
    for (const operation of then)
      if (operation.type === 'put') this.#stands?.texts.set(operation.key, operation.value);
      else this.#stands?.texts.delete(operation.key);
    return ok(undefined);
  }
}

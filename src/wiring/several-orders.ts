import {
  type Carried,
  type DrainAnswer,
  type Drainable,
  type Orders,
  type Refusal,
  type Removable,
  type RemovalAnswer,
  refuse,
} from '../core/orders.ts';
import type { Member, MemberAssembly, Members } from './members.ts';
import { membersMeant } from './naming.ts';
import type { Named } from './orders.ts';

/** An engine with a container that may be meant, or with what it says instead. */
interface Found {
  readonly name: string;
  readonly orders: MemberAssembly['orders'] | undefined;
  readonly container: Carried<Named>;
}

/** Gives each order to the engine that it is meant for. */
export class SeveralOrders implements Orders {
  readonly #members: Members;

  constructor(members: Members) {
    this.#members = members;
  }

  async drain(whom: Drainable, signal: AbortSignal): Promise<Carried<DrainAnswer>> {
    return await this.#order(whom, true, signal);
  }

  async undrain(whom: Drainable, signal: AbortSignal): Promise<Carried<DrainAnswer>> {
    return await this.#order(whom, false, signal);
  }

  /** Every engine has the same registries: the first that can answers for all. */
  async removeHost(which: Removable, signal: AbortSignal): Promise<Carried<RemovalAnswer>> {
    let answer: Carried<RemovalAnswer> = refuse(
      'not-now',
      'No engine of this agent has answered yet. Try again.',
    );
    for (const { orders } of this.#members.assemblies) {
      answer = await orders.removeHost(which, signal);
      if (answer.ok || answer.refusal.code !== 'not-now') return answer;
    }
    return answer;
  }

  async #order(whom: Drainable, drained: boolean, signal: AbortSignal): Promise<Carried<DrainAnswer>> {
    const named = whom.engine === undefined ? undefined : this.#named(whom.engine);
    if (named?.ok === false) return named;
    if ('container' in whom) return await this.#container(whom.container, named?.value, drained, signal);
    if (named === undefined)
      return refuse(
        'ambiguous',
        `This agent has several engines, each with a host of its own: ${this.#names()}. Name one with --engine.`,
      );
    const { name, assembly } = named.value;
    if (assembly === undefined) return { ok: false, refusal: away(named.value) };
    return withEngine(name, await assembly.orders.give(undefined, drained));
  }

  async #container(
    reference: string,
    only: Member | undefined,
    drained: boolean,
    signal: AbortSignal,
  ): Promise<Carried<DrainAnswer>> {
    const { meant, container } =
      only === undefined ? membersMeant(reference, this.#members) : { meant: [only], container: reference };
    const found = await Promise.all(meant.map((member) => look(member, container, signal)));
    const chosen = choose(container, found);
    if ('refusal' in chosen) return chosen;
    return withEngine(chosen.name, await chosen.orders.give(chosen.container, drained));
  }

  #named(engine: string): Carried<Member> {
    const value = this.#members.all.find(({ name }) => name === engine);
    if (value !== undefined) return { ok: true, value };
    return refuse('not-found', `This agent has no engine ${engine}; it has ${this.#names()}.`);
  }

  #names(): string {
    return this.#members.all.map(({ name }) => name).join(', ');
  }
}

async function look(member: Member, container: string, signal: AbortSignal): Promise<Found> {
  const { name, assembly } = member;
  if (assembly === undefined)
    return { name, orders: undefined, container: { ok: false, refusal: away(member) } };
  const { orders } = assembly;
  return { name, orders, container: await orders.find(container, signal) };
}

function away({ name, waitingFor }: Member): Refusal {
  return { code: 'not-now', message: `The engine ${name} cannot take orders yet: ${waitingFor.join(', ')}.` };
}

/** One engine that has it is enough: another that does not answer must not stand in the way. */
function choose(
  reference: string,
  found: readonly Found[],
):
  | { readonly name: string; readonly orders: MemberAssembly['orders']; readonly container: Named }
  | { readonly ok: false; readonly refusal: Refusal } {
  const having = found.flatMap(({ name, orders, container }) =>
    orders !== undefined && container.ok ? [{ name, orders, container: container.value }] : [],
  );
  const refusals = found.flatMap(({ container }) => (container.ok ? [] : [container.refusal]));
  const unclear = refusals.find(({ code }) => code === 'ambiguous');
  if (unclear !== undefined) return { ok: false, refusal: unclear };
  const [first, ...more] = having;
  if (first !== undefined && more.length === 0) return first;
  if (first !== undefined) {
    const names = having.map(({ name }) => `${name}/${reference}`).join(' or ');
    return refuse('ambiguous', `Several engines have a container ${reference}. Write ${names}.`);
  }
  const waiting = refusals.filter(({ code }) => code === 'not-now');
  if (waiting.length > 0) return refuse('not-now', waiting.map(({ message }) => message).join(' '));
  return refuse('not-found', `No engine has a container ${reference}; see "portolan get containers".`);
}

function withEngine(engine: string, answer: Carried<DrainAnswer>): Carried<DrainAnswer> {
  return answer.ok ? { ok: true, value: { ...answer.value, engine } } : answer;
}

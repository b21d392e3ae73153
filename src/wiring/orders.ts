import type { AnnounceLoop } from '../controller/announce.ts';
import type { KnownContainer } from '../controller/known-containers.ts';
import { WHOLE_HOST } from '../core/drain-order.ts';
import {
  type Carried,
  type DrainAnswer,
  type Drainable,
  type Orders,
  type Removable,
  type RemovalAnswer,
  refuse,
} from '../core/orders.ts';
import type { Clock, Source } from '../core/ports.ts';

export interface AgentOrdersOptions {
  readonly loop: AnnounceLoop;
  readonly source: Source;
  readonly clock: Clock;
}

export interface Named {
  readonly id: string;
  readonly name: string;
}

/** Carries out what is ordered over the control socket. */
export class AgentOrders implements Orders {
  readonly #options: AgentOrdersOptions;
  #keep: () => Promise<boolean> = () => Promise.resolve(true);

  constructor(options: AgentOrdersOptions) {
    this.#options = options;
  }

  /** `keep` writes the orders to the state folder before they are answered; false when it cannot. */
  keptBy(keep: () => Promise<boolean>): void {
    this.#keep = keep;
  }

  async drain(whom: Drainable, signal: AbortSignal): Promise<Carried<DrainAnswer>> {
    return await this.#order(whom, true, signal);
  }

  async undrain(whom: Drainable, signal: AbortSignal): Promise<Carried<DrainAnswer>> {
    return await this.#order(whom, false, signal);
  }

  /** One registry after the other; the first that objects ends it, for a living host lives in all of them. */
  async removeHost({ owner, force }: Removable, signal: AbortSignal): Promise<Carried<RemovalAnswer>> {
    const targets: { target: string; records: number }[] = [];
    const failures: string[] = [];
    for (const janitor of this.#options.loop.janitors) {
      const { target } = janitor;
      const came = await janitor.retire(owner, force, signal);
      if (came.type === 'refused') return refuse('refused', `${owner} stays in ${target}: ${came.why}.`);
      if (came.type === 'failed') failures.push(`${target}: ${came.why}`);
      if (came.type === 'retired') targets.push({ target, records: came.records });
    }
    if (failures.length > 0)
      return refuse('not-now', `${owner} could not be removed from ${failures.join('; ')}. Try again.`);
    if (targets.length === 0)
      return refuse('not-found', `No registry knows a host ${owner}; see "portolan get hosts".`);
    return { ok: true, value: { owner, targets } };
  }

  async #order(whom: Drainable, drained: boolean, signal: AbortSignal): Promise<Carried<DrainAnswer>> {
    if (whom.engine !== undefined)
      return refuse('not-found', 'This agent has one engine, without a name; leave --engine out.');
    if ('host' in whom) return await this.give(undefined, drained);
    const found = await this.find(whom.container, signal);
    return found.ok ? await this.give(found.value, drained) : found;
  }

  /** undefined: the whole host. */
  async give(container: Named | undefined, drained: boolean): Promise<Carried<DrainAnswer>> {
    const { loop, clock } = this.#options;
    const { commands } = loop;
    const subject = container?.id ?? WHOLE_HOST;
    const now = clock.now();
    const repeated = !commands.give(subject, drained, now);
    const at = commands.book.get(subject)?.at ?? now;
    const notes = container === undefined ? this.#hostNotes(drained) : this.#notes(container, drained);
    if (!(await this.#keep()))
      notes.push('It could not be written to the state folder: only the registries will remember it.');
    return { ok: true, value: { subject, container: container?.name, at, repeated, notes } };
  }

  /** What else there is to know about an order for one container. */
  #notes({ id }: Named, drained: boolean): string[] {
    const { endpoints, commands } = this.#options.loop;
    const known = endpoints.get(id);
    const notes: string[] = [];
    if (known === undefined && drained) notes.push('It does not run; the order holds when it starts.');
    if (known !== undefined && isStopping(known))
      notes.push(
        drained
          ? 'It was told to stop and drains for that; the order holds if it starts again.'
          : 'It was told to stop and goes on draining for that.',
      );
    else if (known?.live.size === 0) notes.push('It offers nothing now.');
    if (!drained && commands.book.over(id).length > 0)
      notes.push('It stays out of rotation with the whole host; "portolan undrain --host" ends that.');
    return notes;
  }

  /** The end of a host's drain ends no container's own. */
  #hostNotes(drained: boolean): string[] {
    const { commands } = this.#options.loop;
    const own = commands.book.all().filter((order) => order.drained && order.subject !== WHOLE_HOST).length;
    if (drained || own === 0) return [];
    return [`${String(own)} container(s) stay drained by orders of their own.`];
  }

  /** A name or a whole id means one container; the beginning of an id may mean several. */
  async find(reference: string, signal: AbortSignal): Promise<Carried<Named>> {
    const { loop, source } = this.#options;
    const name = reference.replace(/^\//, '');
    const known = [...loop.endpoints.containers()].map(({ container }) => container);
    const exact = known.find((container) => container.name === name || container.id === name);
    if (exact !== undefined) return { ok: true, value: exact };
    const alike = /^[0-9a-f]+$/.test(name) ? known.filter(({ id }) => id.startsWith(name)) : [];
    if (alike.length > 1) return ambiguous(name, alike);
    // The engine knows those that do not run as well.
    const found = await source.lookup(name, signal);
    if (!found.ok)
      return /multiple IDs|ambiguous/i.test(found.failure.message)
        ? ambiguous(name, [])
        : refuse('not-now', `The engine could not be asked for ${name}: ${found.failure.message}`);
    if (found.value === undefined)
      return refuse('not-found', `The engine has no container ${name}; see "portolan get containers".`);
    return { ok: true, value: found.value };
  }
}

function isStopping({ live }: KnownContainer): boolean {
  return [...live.values()].some(({ phase }) => phase.cause === 'stop-signal');
}

function ambiguous(name: string, alike: readonly Named[]): Carried<never> {
  const names = alike.map((container) => container.name).sort();
  const which = names.length === 0 ? '' : `: ${names.join(', ')}`;
  return refuse(
    'ambiguous',
    `The ids of several containers begin with ${name}${which}. Give more of the id, or a name.`,
  );
}

/**
 * What the running agent can be told to do, over its control socket only: the HTTP listener never takes an order. Each
 * order is carried out at once, or refused with a reason; an exception is a defect.
 */
export interface Orders {
  /** Takes containers out of rotation until `undrain`. A repeated order changes nothing. */
  drain(whom: Drainable, signal: AbortSignal): Promise<Carried<DrainAnswer>>;
  /** Ends such an order; what drains for another reason goes on draining. */
  undrain(whom: Drainable, signal: AbortSignal): Promise<Carried<DrainAnswer>>;
  /** Removes all that a host left that will not come back, whatever its grace, in every registry. */
  removeHost(which: Removable, signal: AbortSignal): Promise<Carried<RemovalAnswer>>;
}

export type Carried<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: Refusal };

/** Why an order was not carried out. */
export interface Refusal {
  readonly code: RefusalCode;
  /** One sentence for people that says what to do. */
  readonly message: string;
}

/**
 * - `not-found`: what the order names is not there.
 * - `ambiguous`: the order may mean several things.
 * - `not-now`: what has to be asked first (the engine, a registry) does not answer.
 * - `refused`: the order is understood, and must not be carried out.
 */
export type RefusalCode = 'not-found' | 'ambiguous' | 'not-now' | 'refused';

export function refuse(
  code: RefusalCode,
  message: string,
): { readonly ok: false; readonly refusal: Refusal } {
  return { ok: false, refusal: { code, message } };
}

/** One container, by its name, its id or the beginning of its id; or every container of the host, also later ones. */
export type Drainable = ({ readonly container: string } | { readonly host: true }) & {
  /** Where the agent has several. */
  readonly engine?: string | undefined;
};

/** A host by its owner id. `force`: also one whose agent was stopped a moment ago and left its records to a successor. */
export interface Removable {
  readonly owner: string;
  readonly force: boolean;
}

export interface RemovalAnswer {
  readonly owner: string;
  /** How many records were removed from each registry that knew the host. */
  readonly targets: readonly { readonly target: string; readonly records: number }[];
}

/** What an order to drain, or to end a drain, has come to. */
export interface DrainAnswer {
  /** Which engine of several; absent where the agent has one. */
  readonly engine?: string;
  /** The container's id, or `host`. */
  readonly subject: string;
  /** Its name; undefined for the host. */
  readonly container: string | undefined;
  /** Epoch milliseconds of the order that holds, which may be an earlier one. */
  readonly at: number;
  /** The order says nothing new. */
  readonly repeated: boolean;
  /** What else is to know, in sentences for people. */
  readonly notes: readonly string[];
}

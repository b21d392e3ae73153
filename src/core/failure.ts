/**
 * What went wrong, as data. An outcome crosses every port as a value; exceptions are kept for broken invariants.
 *
 * - `transient`: back off and try again.
 * - `conflict`: the observed world moved; read and plan again at once.
 * - `fenced`: another owner or another instance holds it; skip and show.
 * - `terminal`: needs a person; shown and counted, tried again only when its input changes.
 */
export type FailureKind = 'transient' | 'conflict' | 'fenced' | 'terminal';

/** Every code that a failure can carry, with the kind it implies and the sentence of the error reference. */
export const FAILURES = {
  'docker-unreachable': [
    'transient',
    'The Docker engine does not answer; its containers count as last reported.',
  ],
  'docker-timeout': ['transient', 'The Docker engine accepted a request and did not answer in time.'],
  'docker-rejected': [
    'terminal',
    'The Docker engine refused a request (permissions, or an API it does not have).',
  ],
  'engine-taken': ['terminal', 'Another entry of engines leads to the same engine, which is followed once.'],
  'inspect-unreadable': [
    'terminal',
    'A container description from the engine does not have the expected shape.',
  ],
  'registry-unreachable': ['transient', 'The registry cannot be reached.'],
  'registry-timeout': ['transient', 'The registry accepted a request and did not answer in time.'],
  'registry-denied': ['terminal', 'The registry refused the credentials or the permission.'],
  'registry-compacted': [
    'transient',
    'The registry no longer has the revision that was asked for; it is listed again.',
  ],
  'registry-replaced': ['transient', 'The registry is another one or went back in time; it is listed again.'],
  'registry-full': ['transient', 'The registry is out of space and takes no more writes.'],
  'too-many-operations': [
    'transient',
    'A transaction had more operations than the registry takes; the batch is halved.',
  ],
  'record-rejected': ['terminal', 'The registry refuses this record (too large or malformed).'],
  'record-moved': ['conflict', 'The record changed between reading and writing.'],
  'record-foreign': ['fenced', 'The key is held by a record that this owner did not create.'],
  'owner-fenced': ['fenced', 'Another living instance holds this owner id; this one stands by.'],
  'host-returned': ['fenced', 'A host that was lost has a heartbeat again; its records are its own.'],
  'claim-lost': ['fenced', 'Another agent looks after this lost host.'],
  'lease-lost': ['transient', 'The host lease expired; a new one is taken.'],
  'outcome-unknown': ['transient', 'A write was sent but its answer was lost; the registry is read again.'],
  'proxy-unreachable': ['transient', 'The proxy does not answer on its admin socket.'],
  'proxy-denied': [
    'terminal',
    'The admin socket of the proxy may not be opened, or may not change anything; give it level admin.',
  ],
  'proxy-unsupported': [
    'terminal',
    'The proxy cannot be driven: it is too old, or its configuration lacks a part.',
  ],
  'proxy-not-started': ['transient', 'The managed proxy does not start; it is tried again.'],
  'proxy-refused': ['transient', 'The proxy refused a command; it is read again.'],
  'proxy-files': ['transient', 'The files of the proxy could not be written.'],
  'proxy-invalid': [
    'transient',
    'The proxy finds its new configuration invalid; it goes on with the one before.',
  ],
  'proxy-not-reloaded': [
    'transient',
    'The proxy did not take the new configuration; the reload is tried again.',
  ],
} as const satisfies Record<string, readonly [FailureKind, string]>;

export type FailureCode = keyof typeof FAILURES;

export interface Failure {
  readonly kind: FailureKind;
  readonly code: FailureCode;
  /** One sentence for people, without secrets. */
  readonly message: string;
}

/** What a caught value says. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The code of a caught error of the system, such as `ENOENT`; `unreadable` where it has none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
}

export function failure(code: FailureCode, detail?: string): Failure {
  const [kind, sentence] = FAILURES[code];
  return {
    kind,
    code,
    message: detail === undefined || detail === '' ? sentence : `${sentence} (${detail})`,
  };
}

export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: Failure };

export function ok<T>(value: T): Result<T> {
  return { ok: true, value };
}

export function fail(code: FailureCode, detail?: string): { readonly ok: false; readonly failure: Failure } {
  return { ok: false, failure: failure(code, detail) };
}

/** What became of one change or one key. */
export type Outcome =
  | { readonly type: 'settled'; readonly revision?: string }
  | { readonly type: 'recheck'; readonly afterMs: number; readonly why: string }
  | { readonly type: 'retry'; readonly failure: Failure };

/** Why something is so, as data: `code` for programs and tests, `message` for people, `about` for the key or field. */
export interface Reason {
  readonly code: ReasonCode;
  readonly message: string;
  /** The label, variable, port or network that the reason is about. */
  readonly about?: string;
  /** The nearest right spelling, when the reason is an unknown key. */
  readonly suggestion?: string;
}

/** Every reason that leaves something out, warns, or explains a choice. */
export type ReasonCode =
  | 'not-running'
  | 'one-off'
  | 'disabled'
  | 'dialect-off'
  | 'dialect-absent'
  | 'no-service'
  | 'unknown-key'
  | 'bad-value'
  | 'bad-path'
  | 'no-key'
  | 'missing-path'
  | 'missing-port'
  | 'not-published'
  | 'unpublished-port'
  | 'claimed-by-other-dialect'
  | 'loopback-only'
  | 'swarm-ingress'
  | 'no-host-address'
  | 'no-network'
  | 'network-not-found'
  | 'network-owner-unknown'
  | 'no-address-of-family'
  | 'protocol-unsupported'
  | 'provisional'
  | 'not-announced'
  | 'address-chosen';

export function reason(code: ReasonCode, message: string, extra?: Omit<Reason, 'code' | 'message'>): Reason {
  return { code, message, ...extra };
}

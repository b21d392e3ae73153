/** Why a key is looked at or a record changes; travels with the change into logs, diffs and `explain`. */
export type CauseCode =
  | 'started'
  | 'ready'
  | 'not-ready'
  | 'facts-changed'
  | 'announcement'
  | 'stop-signal'
  | 'unhealthy'
  | 'drain-command'
  | 'drain-ended'
  | 'died'
  | 'removed'
  | 'vanished'
  | 'host-changed'
  | 'host-announced'
  | 'settings-changed'
  | 'damage-missing'
  | 'damage-altered'
  | 'damage-entry'
  | 'lease-lost'
  | 'lease-moved'
  | 'yielded'
  | 'orphan'
  | 'host-lost'
  | 'relisted'
  | 'route-changed'
  | 'shutdown';

export interface Cause {
  readonly code: CauseCode;
  /** Epoch milliseconds. */
  readonly at: number;
  /** True when an event or a command explains a removal: the brake lets it pass. */
  readonly explained: boolean;
  /** Epoch milliseconds, by our clock, of the engine's event behind it; undefined: no event told of it. */
  readonly eventAt?: number | undefined;
}

/** One sentence for each cause, for people. */
export const CAUSES: Readonly<Record<CauseCode, string>> = {
  started: 'the container started',
  ready: 'the container became ready',
  'not-ready': 'the container is not ready',
  'facts-changed': 'the container changed',
  announcement: 'what the container announces itself changed',
  'stop-signal': 'the container was told to stop',
  unhealthy: 'the container is unhealthy',
  'drain-command': 'a drain was asked for',
  'drain-ended': 'the drain ended',
  died: 'the container died',
  removed: 'the container was removed',
  vanished: 'the container is gone and no event said why',
  'host-announced': 'this host announces itself',
  'host-changed': "the host's addresses changed",
  'settings-changed': 'the settings were changed',
  'damage-missing': 'somebody deleted our record',
  'damage-altered': 'somebody altered our record',
  'damage-entry': 'somebody deleted the ledger entry of our record',
  'lease-lost': 'the record went with the lease of this host, which was lost',
  'lease-moved': 'the record is not under the lease that it should be under',
  yielded: 'somebody else keeps this key; we gave way',
  orphan: 'our record, but no container offers it any more',
  'host-lost': 'the host that created the record is lost',
  'route-changed': 'the records of a service changed',
  relisted: 'a complete read showed a difference',
  shutdown: 'the agent withdraws its records at exit',
};

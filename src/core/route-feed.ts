import type { Failure } from './failure.ts';
import type { Stream } from './ports.ts';
import type { RegistryRecord } from './record.ts';
import type { Departure } from './route-table.ts';

export type FeedChange =
  | { readonly key: string; readonly record: RegistryRecord }
  | { readonly key: string; readonly how: Departure };

/** What a feed says. Between two `listed` everything known is changed only by `changed`. */
export type FeedSignal =
  /** Sight is lost: what was said last still counts. */
  | { readonly type: 'unknown'; readonly failure: Failure }
  /** A complete read at one revision: every record, and whose heartbeats stand beside them. */
  | {
      readonly type: 'listed';
      readonly records: ReadonlyMap<string, RegistryRecord>;
      readonly alive: ReadonlySet<string>;
    }
  | { readonly type: 'changed'; readonly changes: readonly FeedChange[] }
  /** An owner's heartbeat came, or went. */
  | { readonly type: 'host'; readonly owner: string; readonly alive: boolean };

/** The records of all owners below some prefixes. Hot; fed from `run`, which returns when the signal aborts. */
export interface RecordFeed {
  readonly signals: Stream<FeedSignal>;
  run(signal: AbortSignal): Promise<void>;
}

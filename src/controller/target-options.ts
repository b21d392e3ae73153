import type { TargetMeter } from '../core/meter.ts';
import type { Policy } from '../core/policy.ts';
import type { Clock, Log, Random, RegistryReader, RegistryWriter } from '../core/ports.ts';
import type { Audience } from './claims.ts';
import type { Endpoints } from './endpoints.ts';
import type { History } from './history.ts';
import type { Debounce } from './workqueue.ts';

/** A record as a list showed it. */
export interface SeenRecord {
  readonly key: string;
  readonly value: string;
  readonly owned: boolean;
}

export interface TargetOptions {
  readonly reader: RegistryReader;
  /** Absent in a dry run: then nothing can be written, whatever the loop decides. */
  readonly writer: RegistryWriter | undefined;
  readonly audience: Audience;
  readonly endpoints: Endpoints;
  /** May change while the target runs, as `debounce` may. */
  readonly policy: Policy;
  readonly debounce: Debounce;
  readonly batchKeys?: number | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly meter?: TargetMeter | undefined;
  /** Asks the source to read everything again, to confirm removals that nothing explains. */
  readonly confirm: () => void;
  readonly history: Pick<History, 'told'>;
  /** Tells that something a view shows may have changed. */
  readonly onChange: () => void;
  /** Records came in sight at a list: drains and orders to adopt, and those of our own that an earlier process left. */
  readonly onRecords: (records: readonly SeenRecord[]) => void;
}

import type { DrainCause } from './endpoint.ts';
import type { Revision } from './record.ts';
import type { RouteSettings } from './route-settings.ts';
import type { ServiceType } from './service.ts';

/** One endpoint of one service as the route loop needs it, whoever wrote its record. */
export interface RouteRecord {
  readonly key: string;
  /** `/internal/app1/dev/web`: records of one path are servers of one service. */
  readonly path: string;
  /** Last segment of the key. */
  readonly id: string;
  readonly owner: string | undefined;
  readonly type: ServiceType;
  /** The host name that the record gives; not checked. */
  readonly name: string | undefined;
  readonly ip: string;
  readonly port: number;
  /** 0 to 256. */
  readonly weight: number | undefined;
  readonly state: 'registered' | 'draining' | 'dormant';
  /** Why it drains, where the record says so. */
  readonly cause?: DrainCause | undefined;
  readonly settings: RouteSettings;
  /** When the registry created it: its age among all records of that registry. */
  readonly since: Revision;
}

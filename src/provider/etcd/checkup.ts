import type { Result } from '../../core/failure.ts';
import { EtcdConnection, type EtcdOptions } from './connection.ts';

/** What a cluster tells about itself. Fields are undefined where it does not say, or may not. */
export interface Checkup {
  readonly version: string | undefined;
  readonly bytes: number | undefined;
  /** `Nospace`, `Corrupt`. */
  readonly alarms: readonly string[];
}

/** Asks one member; whoever has no right to know is told nothing, which is no failure. */
export async function etcdCheckup(options: EtcdOptions, signal: AbortSignal): Promise<Checkup> {
  const connection = new EtcdConnection(options);
  const valueOf = <T>(result: Result<T>): T | undefined => (result.ok ? result.value : undefined);
  try {
    const [status, alarms] = await Promise.all([
      connection.call('read', signal, (client) => client.maintenance.status()),
      connection.call('read', signal, (client) => client.maintenance.alarm({ action: 'Get' })),
    ]);
    const told = valueOf(status);
    return {
      version: told?.version,
      bytes: told === undefined ? undefined : Number(told.dbSize),
      alarms: (valueOf(alarms)?.alarms ?? []).map(({ alarm }) => alarm).filter((alarm) => alarm !== 'None'),
    };
  } finally {
    connection.close();
  }
}

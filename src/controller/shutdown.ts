import type { Log, RegistryWriter } from '../core/ports.ts';
import type { Target } from './target.ts';

export interface ShutdownOptions {
  readonly targets: readonly { readonly target: Target; readonly writer: RegistryWriter | undefined }[];
  /** Withdraw every record first and the heartbeat last; otherwise the records stay for the successor. */
  readonly deregister: boolean;
  readonly handoverMs: number;
  readonly log: Log;
}

/**
 * The last writes of an agent. Without `deregister` the heartbeat moves to a lease of `handoverMs`: an upgrade is not an
 * outage. The targets are left in parallel, so that a dead registry costs no other its goodbye.
 */
export async function leaveTargets(
  { targets, deregister, handoverMs, log }: ShutdownOptions,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(
    targets.map(async ({ target, writer }) => {
      await target.stop();
      if (writer === undefined || target.session.type !== 'held') return;
      if (deregister) await target.withdrawAll(signal);
      const left = deregister ? await writer.retire(signal) : await writer.handover(handoverMs, signal);
      if (!left.ok)
        log.warn(
          { target: target.name, reason: left.failure.message },
          'could not say goodbye to the registry',
        );
      else if (deregister) log.info({ target: target.name }, 'records withdrawn, heartbeat removed');
      else log.info({ target: target.name, handover_ms: handoverMs }, 'records stay for the successor');
    }),
  );
}

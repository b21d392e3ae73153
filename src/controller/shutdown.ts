import type { Failure } from '../core/failure.ts';
import type { Log, RegistryWriter } from '../core/ports.ts';
import type { Target } from './target.ts';

export interface ShutdownOptions {
  readonly targets: readonly {
    readonly target: Pick<Target, 'name' | 'session' | 'stop' | 'withdrawAll'>;
    readonly writer: Pick<RegistryWriter, 'retire' | 'handover'> | undefined;
  }[];
  /** Withdraw every record first and the heartbeat last; otherwise the records stay for the successor. */
  readonly deregister: boolean;
  readonly handoverMs: number;
  readonly log: Log;
}

/**
 * The last writes of an agent. Without `deregister` the heartbeat moves to a lease of `handoverMs`: an upgrade is not an
 * outage. The targets are left in parallel, so that a dead registry costs no other its goodbye.
 */
export async function leaveTargets(options: ShutdownOptions, signal: AbortSignal): Promise<void> {
  await Promise.all(options.targets.map((leaving) => leaveTarget(leaving, options, signal)));
}

async function leaveTarget(
  { target, writer }: ShutdownOptions['targets'][number],
  { deregister, handoverMs, log }: ShutdownOptions,
  signal: AbortSignal,
): Promise<void> {
  await target.stop();
  const unsaid = ({ message: reason }: Failure): void => {
    log.warn({ target: target.name, reason }, 'could not say goodbye to the registry');
  };
  if (writer === undefined) return;
  if (target.session.type === 'lost') unsaid(target.session.failure);
  if (target.session.type !== 'held') return;
  const remaining = deregister ? await target.withdrawAll(signal) : 0;
  if (remaining > 0)
    log.warn({ target: target.name, records: remaining }, 'records could not be withdrawn and stay behind');
  const left = deregister
    ? await writer.retire(remaining === 0, signal)
    : await writer.handover(handoverMs, signal);
  if (!left.ok) unsaid(left.failure);
  else if (!deregister)
    log.info({ target: target.name, handover_ms: handoverMs }, 'records stay for the successor');
  else
    log.info(
      { target: target.name },
      remaining > 0 ? 'heartbeat removed' : 'records withdrawn, heartbeat removed',
    );
}

import type { Config } from '../config/config.ts';
import type { Clock } from '../core/ports.ts';
import type { StatusView } from '../core/status.ts';
import { Statsd, type StatsdSink } from '../telemetry/statsd.ts';
import type { AgentIo } from './io.ts';

/** As often as statsd itself looks at what it was told. */
const BEAT_MS = 10_000;

/** undefined: nobody is to be told anything. */
export function openStatsd(
  { statsd: { host, port, prefix } }: Pick<Config, 'statsd'>,
  { clock, log }: Pick<AgentIo, 'clock' | 'log'>,
): Statsd | undefined {
  return host === undefined ? undefined : new Statsd({ host, port, prefix, clock, log });
}

/** Tells now and then that all is well, or which runs fail, from then on; returns a function that ends that. */
export function beat(sink: StatsdSink, status: () => StatusView, clock: Clock): () => void {
  let cancel: () => void;
  const arm = (): void => {
    cancel = clock.timer(BEAT_MS, () => {
      const { ready, targets } = status();
      sink.gauge('alive', ready ? 1 : 0);
      for (const { known } of targets) if (!known) sink.count('backend.failures');
      arm();
    });
  };
  arm();
  return () => {
    cancel();
  };
}

import { type Clock, type Prober, type Random, sleep } from '../../src/core/ports.ts';
import type { ProbeResult } from '../../src/core/probe.ts';
import type { SimHost } from './host.ts';

/** The longest that an answer takes. */
const ANSWER_MS = 300;

/** Probes the containers of a host as one process of it sees them: a dead process hears no answer. */
export function proberOf(host: SimHost, clock: Clock, random: Random): Prober {
  return {
    async probe({ addresses }, signal): Promise<ProbeResult> {
      const [address] = addresses;
      await sleep(clock, 1 + random() * ANSWER_MS, signal);
      const found = host.all.find(({ id }) => host.engine.containers.get(id)?.ip === address);
      const open =
        found !== undefined && !found.portClosed && host.engine.containers.get(found.id)?.state === 'running';
      return open ? { ok: true } : { ok: false, why: 'refused', late: false };
    },
  };
}

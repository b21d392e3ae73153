import type { SourceSignal } from '../../src/core/ports.ts';
import { MemoryStore } from '../../src/provider/memory/store.ts';
import { VirtualClock } from '../../test/kit/clock.ts';
import { container } from '../../test/kit/containers.ts';
import { TestLoop } from '../../test/kit/loop.ts';
import type { Bench, Row } from './lib/bench.ts';
import { type BytesRead, CountingStore } from './lib/counting-store.ts';

const SERVICES = 50;
/** With a number of as many digits as its neighbours have, whatever the fleet. */
const NEWCOMER = 100_001;
const STEPS = ['converging', 'a minute of nothing', 'a change of its own', 'a change of another'] as const;

/** A heartbeat is some 200 bytes; so much of each agent may be read for each of the others. */
const HEARTBEAT_BYTES = 400;

/** Of one agent, for each step. */
type Reading = readonly BytesRead[];

/** What one of many agents reads of a registry that they share: the real loops on a virtual clock. */
export async function fleet(bench: Bench): Promise<readonly Row[]> {
  const sizes = bench.short ? [1, 10, 30] : [1, 10, 100];
  const readings: Reading[] = [];
  for (const agents of sizes) {
    bench.say(`${agents} agents with ${SERVICES} services each, simulated`);
    readings.push(await readingOf(agents));
  }
  return STEPS.flatMap((step, index) =>
    rowsOf(
      step,
      sizes,
      readings.map((reading) => reading[index]),
    ),
  );
}

async function readingOf(agents: number): Promise<Reading> {
  const clock = new VirtualClock();
  const store = new MemoryStore({ clock });
  const stores = Array.from({ length: agents }, () => new CountingStore(store));
  const loops = stores.map(
    (of, n) => new TestLoop({ clock, stores: [of], owner: `o${n}`, instance: `i${n}` }),
  );
  const [first] = loops;
  const last = loops.at(-1);
  const [counted] = stores;
  if (first === undefined || last === undefined || counted === undefined) throw new Error('no agents');
  const reading: BytesRead[] = [];
  for (const [n, loop] of loops.entries()) await loop.listed(...containersOf(n));
  await clock.advance(2000);
  reading.push(counted.take());
  await isComplete(store, agents * SERVICES);
  await clock.advance(60_000);
  reading.push(counted.take());
  await first.say(seen(NEWCOMER));
  await clock.advance(2000);
  reading.push(counted.take());
  await last.say(seen(NEWCOMER + 1));
  await clock.advance(2000);
  reading.push(counted.take());
  for (const loop of loops) await loop.end();
  return reading;
}

/** Asked of the store itself: what the agents read is what is counted. */
async function isComplete(store: MemoryStore, services: number): Promise<void> {
  const listing = await store.reader.list('/services/', new AbortController().signal);
  const found = listing.ok ? listing.value.entries.length : 0;
  if (found !== services) throw new Error(`${found} records of ${services} services`);
}

function containersOf(agent: number): SourceSignal[] {
  return Array.from({ length: SERVICES }, (_, n) => seen(agent * SERVICES + n + 1));
}

function seen(n: number): SourceSignal {
  return { type: 'seen', container: container(n), at: 0 };
}

function rowsOf(
  step: (typeof STEPS)[number],
  sizes: readonly number[],
  readings: readonly (BytesRead | undefined)[],
): Row[] {
  const alone = readings[0];
  const most = readings.at(-1);
  const agents = sizes.at(-1) ?? 0;
  if (alone === undefined || most === undefined) return [];
  // Alone, the last agent is the first one: a change of another is then one of its own.
  const isOther = step === 'a change of another';
  const base = isOther ? 0 : alone.rest;
  return [
    {
      measure: `bytes read by one of ${agents} agents, ${step}, besides heartbeats`,
      portolan: String(most.rest),
      baseline: isOther ? '-' : `${alone.rest} by the only agent`,
      ratio: base === 0 ? undefined : most.rest / base,
      limit: String(Math.ceil(base * 1.02)),
      kept: most.rest <= base * 1.02,
      details: { sizes, readings },
    },
    {
      measure: `bytes read by one of ${agents} agents, ${step}, heartbeats`,
      portolan: String(most.heartbeats),
      baseline: `${alone.heartbeats} by the only agent`,
      ratio: undefined,
      limit: `${HEARTBEAT_BYTES} for each agent`,
      kept: most.heartbeats <= HEARTBEAT_BYTES * agents,
    },
  ];
}

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseExposition, valueOf } from '../../test/kit/exposition.ts';
import { recordWrite } from '../../test/kit/loop-script.ts';
import { MeteredAgent } from '../../test/kit/metered-agent.ts';
import { PROXY } from '../../test/kit/status-fake.ts';
import { failure } from '../core/failure.ts';
import { PROPAGATION_KINDS } from '../core/meter.ts';
import { Exposition } from '../telemetry/exposition.ts';
import { METRICS } from '../telemetry/metric-list.ts';
import { showAgent } from './telemetry.ts';

const web = { name: 'web', ports: { '80/tcp': 8080 } };
const main = { target: 'main' };
const queue = { name: 'main', controller: 'main' };

let agent: MeteredAgent;
beforeEach(() => {
  agent = new MeteredAgent();
});
afterEach(async () => {
  await agent.end();
});

/** How many changes of each kind an event led to, and how long that took together, in milliseconds. */
function propagation(): Readonly<Record<string, readonly [count: number, ms: number]>> {
  const read = agent.scrape();
  const of = (kind: string, what: string): number =>
    valueOf(read, `portolan_propagation_seconds_${what}`, { ...main, kind }) ?? Number.NaN;
  const kinds = PROPAGATION_KINDS.filter((kind) => of(kind, 'count') > 0);
  return Object.fromEntries(
    kinds.map((kind) => [kind, [of(kind, 'count'), Math.round(of(kind, 'sum') * 1000)]]),
  );
}

describe('what a scrape shows', () => {
  it('has every series from the start, so that nothing is missing while nothing happens', () => {
    const read = agent.scrape();
    // The agent has one engine, no proxy, and has read nothing yet.
    const later = ['portolan_hosts', 'portolan_source_last_list_timestamp_seconds'];
    const expected = Object.keys(METRICS).filter(
      (name) => !name.startsWith('portolan_proxy_') && !later.includes(name),
    );
    expect([...read.keys()].sort()).toEqual(expected.sort());
    for (const [name, { type, labels }] of Object.entries(METRICS))
      for (const sample of read.get(name)?.samples ?? []) {
        const shown = Object.keys(sample.labels).filter((label) => label !== 'le');
        expect([name, read.get(name)?.type, shown.sort()]).toEqual([name, type, [...labels].sort()]);
      }
  });

  it('tells containers, services, records and hosts as they are', async () => {
    agent.engine.run(web);
    agent.engine.run({ name: 'idle' });
    expect(agent.value('portolan_registry_up', main)).toBe(0);
    expect(agent.value('portolan_ready')).toBe(0);
    await agent.begin();
    const read = agent.scrape();
    const all = {
      portolan_ready: 1,
      portolan_containers: 2,
      portolan_source_up: 1,
      portolan_registry_up: 1,
      portolan_registry_converged: 1,
      portolan_brake_held: 0,
      portolan_conflicts: 0,
      workqueue_depth: 0,
      controller_runtime_active_workers: 0,
      controller_runtime_max_concurrent_reconciles: 4,
    };
    expect(Object.fromEntries(Object.keys(all).map((name) => [name, valueOf(read, name)]))).toEqual(all);
    expect(valueOf(read, 'portolan_services', { state: 'registered' })).toBe(1);
    expect(valueOf(read, 'portolan_hosts', { ...main, state: 'alive' })).toBe(1);
    expect(valueOf(read, 'portolan_registry_session', { ...main, state: 'held' })).toBe(1);
    expect(valueOf(read, 'portolan_records', { ...main, state: 'synced' })).toBe(
      valueOf(read, 'portolan_records_owned', main),
    );
    expect(valueOf(read, 'portolan_build_info', { version: '1.2.3' })).toBe(1);
  });

  it('says which engine is out of sight, and which registry', async () => {
    await agent.begin();
    agent.engine.goAway();
    agent.store.failing = () => failure('registry-unreachable');
    await agent.clock.advance(60_000);
    expect(agent.value('portolan_source_up', { source: 'docker' })).toBe(0);
    expect(agent.value('portolan_registry_session', { ...main, state: 'held' })).toBe(0);
  });

  it('names the engines of several, and shows the hosts of all once', () => {
    const status = agent.composed.status.status();
    const [target] = status.targets;
    if (target === undefined) throw new Error('no target');
    const hosts = { alive: 2, handover: 0, lost: 0, unattended: 0 };
    const targets = ['east', 'west'].map((engine) => ({ ...target, hosts, engine }));
    const page = new Exposition();
    const loops = ['east', 'west'].map((engine) => ({ engine, loop: agent.composed.loop }));
    for (const engine of ['east', 'west']) agent.telemetry.meters.target('main', engine);
    agent.telemetry.meters.show(page);
    showAgent(page, { status: { ...status, targets, proxies: [PROXY] }, loops, routes: [] });
    const read = parseExposition(page.toString());
    expect(valueOf(read, 'portolan_registry_up', { ...main, engine: 'west' })).toBe(0);
    expect(valueOf(read, 'workqueue_adds_total', { ...queue, engine: 'east' })).toBe(0);
    expect(valueOf(read, 'portolan_hosts', { ...main, state: 'alive' })).toBe(2);
    expect(valueOf(read, 'portolan_proxy_state', { proxy: 'edge', state: 'converged' })).toBe(1);
  });
});

describe('propagation', () => {
  it('is the time from the event of the engine until the registry confirmed each record', async () => {
    await agent.begin();
    agent.engine.delayMs = (call) => (call.startsWith('inspect') ? 40 : 0);
    // Without a create that comes first, the facts have to be asked for.
    const id = agent.engine.run({ ...web, stubborn: true });
    await agent.clock.advance(1_000);
    expect(propagation()).toEqual({ register: [2, 80] });
    agent.engine.kill(id, 15);
    await agent.clock.advance(1_000);
    agent.engine.die(id);
    await agent.clock.advance(1_000);
    // The mark on the service; then service and announcement go.
    expect(propagation()).toEqual({ register: [2, 80], drain: [1, 0], withdraw: [2, 0] });
  });

  it('is not measured for what was found by a list, at a restart or in a registry that lost everything', async () => {
    agent.engine.run(web);
    await agent.begin();
    expect(agent.value('portolan_records_owned', main)).toBeGreaterThan(0);
    expect(propagation()).toEqual({});
    agent.engine.quietly(() => agent.engine.run({ ...web, name: 'unheard', ports: { '80/tcp': 8081 } }));
    await agent.clock.advance(120_000);
    expect(agent.value('portolan_services', { state: 'registered' })).toBe(2);
    expect(agent.value('portolan_differences_found_total', { source: 'docker' })).toBeGreaterThan(0);
    expect(propagation()).toEqual({});
  });

  it('is measured once for an event, not again when a record is damaged later', async () => {
    await agent.begin();
    agent.engine.run(web);
    await agent.clock.advance(1_000);
    const before = propagation();
    const reader = agent.store.reader;
    const listed = await reader.list('/services/', new AbortController().signal);
    if (!listed.ok) throw new Error('the registry cannot be read');
    const then = listed.value.entries.map(({ key }) => ({ type: 'delete' as const, key }));
    await agent.store.writer().txn({ compares: [], then, otherwise: [] }, new AbortController().signal);
    await agent.clock.advance(120_000);
    expect(agent.value('portolan_records', { ...main, state: 'synced' })).toBe(
      agent.value('portolan_records_owned', main),
    );
    expect(before).toEqual({ register: [2, 0] });
    expect(propagation()).toEqual(before);
  });

  it('goes on while the registry does not take the change', async () => {
    await agent.begin();
    const until = agent.clock.now() + 3_000;
    agent.store.failing = (call, transaction) =>
      agent.clock.now() < until &&
      recordWrite(call, transaction?.then.map((operation) => operation.key) ?? [])
        ? failure('registry-unreachable')
        : undefined;
    agent.engine.run(web);
    await agent.clock.advance(30_000);
    const { register = [0, 0] } = propagation();
    expect(register[0]).toBe(2);
    expect(register[1]).toBeGreaterThanOrEqual(2 * 3_000);
    const retries = agent.value('workqueue_retries_total', queue) ?? 0;
    expect(retries).toBeGreaterThan(0);
    expect(agent.value('controller_runtime_reconcile_total', { controller: 'main', result: 'error' })).toBe(
      agent.value('controller_runtime_reconcile_errors_total'),
    );
    expect(agent.value('controller_runtime_reconcile_errors_total')).toBeLessThanOrEqual(retries);
  });

  it.each([
    ['an hour ahead', 3_600_000],
    ['an hour behind', -3_600_000],
    ['a little ahead', 400],
  ])('is told by our clock, also when that of the engine is %s', async (_, offset) => {
    agent.engine.clockOffsetMs = offset;
    await agent.begin();
    agent.engine.delayMs = (call) => (call.startsWith('inspect') ? 40 : 0);
    agent.engine.run(web);
    await agent.clock.advance(1_000);
    expect(propagation()).toEqual({ register: [2, 80] });
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Agent, removeAgents } from '../kit/agent.ts';
import { recordsOf } from '../kit/control.ts';
import { PrivateEngine } from '../kit/engine.ts';
import { EtcdServer } from '../kit/etcd.ts';
import { eventually } from '../kit/eventually.ts';
import { GrpcMeter } from '../kit/grpc-meter.ts';
import { TcpProxy } from '../kit/tcp-proxy.ts';
import { agrees, staysQuiet } from './census.ts';
import { becomesReady, idleOnHost, keysOf, World } from './world.ts';

const CONTAINERS = 4;
const PORTS = 1_250;
/** Others' records, beside ours and below the same prefixes. */
const FOREIGN = 10_000;
const MIB = 1_024 * 1_024;

let engine: PrivateEngine;
let etcd: EtcdServer;
let proxy: TcpProxy;
let world: World;
let agent: Agent;
const answers: GrpcMeter[] = [];

const isForeign = (key: string): boolean => /^\/(services|announce)\/fleet\//.test(key);

beforeAll(async () => {
  [engine, etcd] = await Promise.all([PrivateEngine.start(), EtcdServer.start()]);
  const tap = (direction: string) => {
    const meter = new GrpcMeter({ fromClient: direction === 'to-server' });
    if (direction === 'to-client') answers.push(meter);
    return (chunk: Buffer): void => {
      meter.feed(chunk);
    };
  };
  proxy = await TcpProxy.start({ to: { port: etcd.port }, tap });
  world = await World.open({ engine, etcd });
  const foreign = Array.from({ length: FOREIGN }, (_, n) => {
    const value = JSON.stringify({
      ID: String(n),
      SERVICE: 'fleet',
      owner: 'somebody',
      tags: ['t'.repeat(300)],
    });
    return [`/${n % 2 === 0 ? 'services' : 'announce'}/fleet/${n % 100}/${n}`, value] as const;
  });
  const names = Array.from({ length: CONTAINERS }, (_, n) => `${world.owner}-many${n}`);
  await Promise.all([
    world.view.putAll(foreign),
    ...names.map((name) => world.docker.run(idleOnHost(name, PORTS))),
  ]);
});
afterAll(async () => {
  await world.close();
  await removeAgents();
  await proxy.stop();
  await Promise.allSettled([engine.remove(), etcd.remove()]);
});

const start = (stateDir?: string): Agent => {
  const registries = [`etcd://127.0.0.1:${proxy.port}`];
  const args = ['--resync', '2s'];
  return world.launch({ registries, args, ...(stateDir === undefined ? {} : { stateDir }) });
};

describe('ten thousand records of its own and as many of others', () => {
  it('are written', async () => {
    agent = start();
    await becomesReady(agent);
    await agrees(world, { deadlineMs: 30_000, isForeign });
    const own = (await recordsOf(agent)).filter(({ owned }) => owned);
    expect(own.length).toBeGreaterThan(10_000);
  });

  it('are taken up at a restart without a write but the heartbeat, in messages below the limit', async () => {
    await agent.stop('SIGKILL');
    const before = await world.view.settledRevision(500);
    const from = answers.map(({ sizes }) => sizes.length);
    agent = start(agent.stateDir);
    await becomesReady(agent);
    await agrees(world, { isForeign });
    await staysQuiet(world);
    const changes = await world.view.changesSince(before);
    expect(changes.filter(({ key }) => !world.isHeartbeat(key))).toEqual([]);
    expect(changes.filter(({ key }) => key === world.heartbeat)).toHaveLength(1);
    const sizes = answers.flatMap((meter, n) => meter.sizes.slice(from[n] ?? 0));
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeGreaterThan(2 * MIB);
    expect(Math.max(...sizes)).toBeLessThan(2 * MIB);
  });

  it('are taken up in the midst of writes, and what was done to them while nobody looked is repaired', async () => {
    await agent.stop('SIGKILL');
    const keys = [...(await world.view.list(`/services/${world.owner}-many`)).keys()];
    const [deleted = '', altered = ''] = [keys[3], keys.at(-3)];
    await world.view.remove(deleted);
    await world.view.put(altered, 'altered');
    const meanwhile = await world.serve();
    agent = start(agent.stateDir);
    let writing = true;
    const writer = async (): Promise<void> => {
      for (let n = 0; writing; n += 1) await world.view.put(`/services/fleet/new/${n % 1_000}`, String(n));
    };
    const writes = writer();
    try {
      await becomesReady(agent);
      await agrees(world, { isForeign });
      const [service] = await keysOf(meanwhile);
      await meanwhile.remove({ force: true, v: true });
      await eventually(async () => (await world.view.get(service)) === undefined, { deadlineMs: 2_000 });
    } finally {
      writing = false;
      await writes;
    }
    await agrees(world, { isForeign });
  });
});

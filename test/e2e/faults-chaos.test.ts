import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeAgents } from '../kit/agent.ts';
import { PrivateEngine } from '../kit/engine.ts';
import { EtcdServer } from '../kit/etcd.ts';
import { TcpProxy } from '../kit/tcp-proxy.ts';
import { becomesReady, dice, keysOf, type RunningContainer, World } from './world.ts';

const STEPS = 40;
/** More of them, one after the other: PORTOLAN_TEST_SEEDS=1,2,3 */
const seeds = (process.env['PORTOLAN_TEST_SEEDS'] ?? '7').split(',').map(Number);

let folder: string;
let engine: PrivateEngine;
let etcd: EtcdServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portolan-chaos-'));
  [engine, etcd] = await Promise.all([PrivateEngine.start(), EtcdServer.start()]);
});
afterAll(async () => {
  await Promise.allSettled([engine.remove(), etcd.remove()]);
  await removeAgents();
  await rm(folder, { recursive: true, force: true });
});

/** What happens between the agent and the two others, until it is healed. */
const disturb = async (proxy: TcpProxy, chance: number): Promise<void> => {
  if (chance < 0.3) proxy.cut();
  else if (chance < 0.4) proxy.freezeExisting();
  else if (chance < 0.5) proxy.silence();
  else if (chance < 0.6) proxy.silence(chance < 0.55 ? 'to-client' : 'to-server');
  else if (chance < 0.7) proxy.delay(300);
  else if (chance < 0.8) {
    await proxy.refuse();
    proxy.cut();
  } else await proxy.heal();
};

describe('Convergence: when faults and changes stop, the registry equals what the containers offer', () => {
  it.each(seeds)('after everything at once, by dice (%i)', async (seed) => {
    const random = dice(seed);
    const listen = { path: join(folder, `engine-${seed}.sock`) };
    const toEngine = await TcpProxy.start({ to: { path: engine.socketPath }, listen });
    const toEtcd = await TcpProxy.start({ to: { port: etcd.port } });
    const world = await World.open({ engine, etcd, dockerHost: `unix://${listen.path}` });
    const registries = [`etcd://127.0.0.1:${toEtcd.port}`];
    const args = ['--lease-ttl', '5s'];
    try {
      let agent = await world.ready({ registries, args });
      const running = await Promise.all(Array.from({ length: 3 }, () => world.serve()));
      const any = (): RunningContainer | undefined => running[Math.floor(random() * running.length)];

      const step = async (chance: number): Promise<void> => {
        const container = any();
        if (chance < 0.3) running.push(await world.serve());
        else if (chance < 0.45) await container?.kill().catch(() => undefined);
        else if (chance < 0.5) await container?.restart({ t: 1 }).catch(() => undefined);
        else if (chance < 0.6) await disturb(toEngine, random());
        else if (chance < 0.7) await disturb(toEtcd, random());
        else if (chance < 0.75 && container !== undefined)
          await world.view.remove((await keysOf(container))[0]);
        else if (chance < 0.8) await world.view.remove(world.heartbeat);
        else if (chance < 0.87) {
          await agent.stop('SIGKILL');
          agent = world.launch({ registries, args, stateDir: agent.stateDir });
        } else if (chance < 0.9) await world.view.compact();
        else await sleep(300);
      };
      for (let n = 0; n < STEPS; n += 1) await step(random());
      await Promise.all([toEngine.heal(), toEtcd.heal()]);
      await becomesReady(agent);
      await world.converged({ deadlineMs: 20_000 }).catch(async (error: unknown) => {
        const [shown, wanted] = [await world.shown(), await world.wanted()];
        const surplus = shown.filter((line) => !wanted.includes(line));
        const lacking = wanted.filter((line) => !shown.includes(line));
        const log = agent.output.slice(-25);
        throw new Error(['surplus', ...surplus, 'lacking', ...lacking, ...log].join('\n'), { cause: error });
      });
      const revision = await world.view.settledRevision(500);
      expect(await world.view.settledRevision(1_500)).toBe(revision);
    } finally {
      await world.close();
      await Promise.all([toEngine.stop(), toEtcd.stop()]);
    }
  });
});

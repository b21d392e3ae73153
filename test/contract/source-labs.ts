import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDockerodeEngine } from '../../src/source/docker/dockerode.ts';
import { signalName } from '../../src/source/docker/signal-name.ts';
import { systemClock } from '../../src/telemetry/clock.ts';
import { VirtualClock } from '../kit/clock.ts';
import { runId, TestDocker } from '../kit/docker.ts';
import { FakeEngine } from '../kit/engine-fake.ts';
import { eventually } from '../kit/eventually.ts';
import { freePort } from '../kit/ports.ts';
import { TcpProxy } from '../kit/tcp-proxy.ts';
import type { LabContainer, SourceLab } from './source.contract.ts';

const SIGNALS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGQUIT: 3,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGTERM: 15,
};

/** The engine in memory, in virtual time. */
export function openFakeLab(): Promise<SourceLab> {
  const clock = new VirtualClock(1_800_000_000_000);
  const engine = new FakeEngine(clock);
  let networks = 0;
  const done = async (act: () => void): Promise<void> => {
    act();
    await clock.advance(20);
  };
  return Promise.resolve({
    engine,
    clock,
    freePort,
    create: async (spec = {}) => {
      const id = engine.create(spec);
      await clock.advance(20);
      return id;
    },
    start: (id) =>
      done(() => {
        engine.start(id);
      }),
    stop: (id) =>
      done(() => {
        engine.stop(id);
      }),
    kill: (id, signal) =>
      done(() => {
        engine.kill(id, SIGNALS[signal] ?? 0);
      }),
    remove: (id) =>
      done(() => {
        engine.remove(id);
      }),
    pause: (id) =>
      done(() => {
        engine.pause(id);
      }),
    unpause: (id) =>
      done(() => {
        engine.unpause(id);
      }),
    rename: (id, name) =>
      done(() => {
        engine.rename(id, name);
      }),
    setHealth: (id, health) =>
      done(() => {
        engine.setHealth(id, health);
      }),
    network: () => {
      networks += 1;
      engine.addNetwork(`net${networks}`);
      return Promise.resolve(`net${networks}`);
    },
    connect: (id, network) =>
      done(() => {
        engine.connect(id, network);
      }),
    disconnect: (id, network) =>
      done(() => {
        engine.disconnect(id, network);
      }),
    cut: () => {
      engine.cut();
    },
    deafen: () => {
      engine.deafen();
    },
    goAway: () =>
      done(() => {
        engine.goAway();
      }),
    comeBack: () =>
      done(() => {
        engine.comeBack();
      }),
    until: async (what, look, deadlineMs = 10_000) => {
      const end = clock.now() + deadlineMs;
      while (!look()) {
        if (clock.now() > end) throw new Error(`${what} did not come true within ${deadlineMs} ms`);
        await clock.advance(20);
      }
    },
    clean: () =>
      done(() => {
        for (const id of [...engine.containers.keys()]) engine.remove(id);
      }),
    close: () => Promise.resolve(),
  });
}

/** A real engine behind its unix socket; the source reaches it through a proxy, the test directly. */
export async function openRealLab(socketPath: string, afterwards?: () => Promise<void>): Promise<SourceLab> {
  const folder = await mkdtemp(join(tmpdir(), 'portolan-source-'));
  const listen = { path: join(folder, 'engine.sock') };
  const proxy = await TcpProxy.start({ to: { path: socketPath }, listen });
  const engine = createDockerodeEngine({ socketPath: listen.path });
  const docker = new TestDocker(socketPath);
  const container = (id: string) => docker.api.getContainer(id);
  let networks = 0;
  return {
    engine,
    clock: systemClock,
    freePort,
    create: async (spec = {}) => (await docker.create(specOf(spec))).id,
    start: async (id) => {
      await container(id).start();
    },
    stop: async (id) => {
      await container(id).stop({ t: 1 });
    },
    kill: async (id, signal) => {
      await container(id).kill({ signal });
    },
    remove: async (id) => {
      await container(id).remove({ force: true, v: true });
    },
    pause: async (id) => {
      await container(id).pause();
    },
    unpause: async (id) => {
      await container(id).unpause();
    },
    rename: async (id, name) => {
      await container(id).rename({ name });
    },
    setHealth: async (id, health) => {
      await docker.exec(container(id), health === 'healthy' ? 'echo >/tmp/ok' : 'busybox rm -f /tmp/ok');
    },
    network: async () => {
      networks += 1;
      const name = `portolan-source-${runId}-${networks}`;
      await docker.network(name);
      return name;
    },
    connect: async (id, network) => {
      await docker.api.getNetwork(network).connect({ Container: id });
    },
    disconnect: async (id, network) => {
      await docker.api.getNetwork(network).disconnect({ Container: id });
    },
    cut: () => {
      proxy.cut();
    },
    deafen: () => {
      proxy.freezeExisting();
    },
    goAway: async () => {
      await proxy.refuse();
      proxy.cut();
    },
    comeBack: async () => {
      await proxy.heal();
    },
    until: async (what, look, deadlineMs) => {
      await eventually(look, { what, everyMs: 5, ...(deadlineMs === undefined ? {} : { deadlineMs }) });
    },
    clean: async () => {
      await docker.clean();
    },
    close: async () => {
      engine.close();
      await proxy.stop();
      await rm(folder, { recursive: true, force: true });
      await docker.clean().finally(async () => afterwards?.());
    },
  };
}

function specOf({ name, labels, env, ports = {}, network, health, stopSignal, stubborn }: LabContainer) {
  const signal = signalName(stopSignal).slice(3);
  return {
    ...(name === undefined ? {} : { name }),
    ...(labels === undefined ? {} : { labels }),
    ...(env === undefined ? {} : { env }),
    ...(network === undefined ? {} : { network }),
    ...(health === true ? { health: 'test -e /tmp/ok' } : {}),
    ports: Object.fromEntries(
      Object.entries(ports).map(([port, host]) => [port, host === 0 ? {} : { HostPort: String(host) }]),
    ),
    ...(stubborn === true
      ? { command: ['sh', '-c', `trap '' ${signal} HUP USR1; while :; do busybox sleep 1; done`] }
      : {}),
    extra: stopSignal === undefined ? {} : { StopSignal: stopSignal },
  };
}

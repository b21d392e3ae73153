import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { SourceSignal } from '../../src/core/ports.ts';
import { connectionFromEnvironment } from '../../src/source/docker/connection.ts';
import { createDockerodeEngine } from '../../src/source/docker/dockerode.ts';
import { createDockerSource } from '../../src/source/docker/source.ts';
import { systemClock } from '../../src/telemetry/clock.ts';
import { TestDocker } from '../kit/docker.ts';
import { PrivateEngine } from '../kit/engine.ts';
import { eventually } from '../kit/eventually.ts';
import { TcpProxy } from '../kit/tcp-proxy.ts';

const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
const closing: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A running source and what it said, with the time at which it was said. */
function watch(engine: ReturnType<typeof createDockerodeEngine>) {
  const source = createDockerSource({ engine, clock: systemClock, random: Math.random, log: silent });
  const said: { readonly signal: SourceSignal; readonly when: number }[] = [];
  source.signals.subscribe((signal) => said.push({ signal, when: Date.now() }));
  const stop = new AbortController();
  const ended = source.run(stop.signal);
  closing.push(async () => {
    stop.abort();
    await ended;
    engine.close();
  });
  const count = (type: SourceSignal['type']): number =>
    said.filter(({ signal }) => signal.type === type).length;
  return { source, said, count };
}

describe('an engine that goes and comes back', () => {
  let engine: PrivateEngine;
  let docker: TestDocker;

  beforeAll(async () => {
    engine = await PrivateEngine.start();
    docker = new TestDocker(engine.socketPath);
    return async () => {
      await docker.clean().finally(() => engine.remove());
    };
  });

  it.each(['stop', 'kill'] as const)(
    '%s: unknown once, then the truth, never empty in between',
    async (how) => {
      const kept = await docker.run({ extra: { HostConfig: { RestartPolicy: { Name: 'always' } } } });
      const lost = await docker.run();
      const { source, said, count } = watch(createDockerodeEngine({ socketPath: engine.socketPath }));
      await eventually(() => count('listed') === 1, { what: 'the first list' });
      const startOf = (id: string) =>
        said
          .flatMap(({ signal }) =>
            signal.type === 'seen' && signal.container.id === id ? [signal.container.startedAt] : [],
          )
          .at(-1);
      const before = startOf(kept.id);
      await engine[how]();
      await eventually(() => count('unknown') === 1, { what: 'unknown', deadlineMs: 20_000 });
      const lists = count('listed');
      await engine.start();
      await eventually(() => count('listed') > lists, {
        what: 'a list after the return',
        deadlineMs: 20_000,
      });
      await eventually(() => startOf(kept.id) !== before, {
        what: 'another start of the one that is restarted',
        deadlineMs: 20_000,
      });
      await eventually(
        () =>
          said.some(
            ({ signal }) => signal.type === 'ended' && signal.id === lost.id && signal.how === 'died',
          ),
        { what: 'the end of the other', deadlineMs: 20_000 },
      );
      expect(count('unknown')).toBe(1);
      expect(source.status()).toMatchObject({ connected: true, failure: undefined });
    },
  );
});

describe("the machine's engine", () => {
  it('is reached over TCP as well, by IPv4 and IPv6', async () => {
    for (const host of ['127.0.0.1', '::1']) {
      const proxy = await TcpProxy.start({ to: { path: '/var/run/docker.sock' }, listen: { port: 0, host } });
      closing.push(() => proxy.stop());
      const address = host.includes(':') ? `[${host}]` : host;
      const choice = connectionFromEnvironment({ host: `tcp://${address}:${proxy.port}` }, () => '');
      if (!choice.ok) throw new Error(choice.message);
      const { source, count } = watch(createDockerodeEngine(choice.connection));
      await eventually(() => count('listed') === 1, { what: `a list over ${address}` });
      expect(source.status().engineVersion).toBeDefined();
    }
  });

  it('is heard within milliseconds, also in a burst', async () => {
    const docker = new TestDocker();
    closing.push(() => docker.clean());
    const { said, count } = watch(createDockerodeEngine({ socketPath: '/var/run/docker.sock' }));
    await eventually(() => count('listed') === 1, { what: 'the first list' });
    const containers = await Promise.all(
      Array.from({ length: 10 }, () => docker.create({ network: 'none' })),
    );
    await Promise.all(containers.map((container) => container.start()));
    const firstOf = (id: string) =>
      said.find(({ signal }) => signal.type === 'seen' && signal.container.id === id);
    await eventually(() => containers.every(({ id }) => firstOf(id) !== undefined), { what: 'all of them' });
    const delays = containers.map(({ id }) => {
      const first = firstOf(id)!;
      return first.when - (first.signal.type === 'seen' ? first.signal.at : 0);
    });
    delays.sort((a, b) => a - b);
    console.log(`start event to seen, ms: ${delays.join(' ')}`);
    // Wide, for machines that are busy with something else; an extra poll or debounce would still show.
    expect(delays[5]).toBeLessThan(50);
  });
});

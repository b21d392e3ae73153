import { rm } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { Clock } from '../../src/core/ports.ts';
import { systemClock } from '../../src/telemetry/clock.ts';
import { FakeEngine } from '../../test/kit/engine-fake.ts';
import { EngineSocket } from '../../test/kit/engine-socket.ts';
import { fakeId } from '../../test/kit/fake-container.ts';
import type { LiteRequest } from '../../test/kit/http-lite.ts';
import { recalibrate, wallNow } from './lib/wall-clock.ts';

/**
 * A faked Docker engine on a unix socket: `npx tsx hack/bench/engine-socket.ts --socket PATH [--containers N] [--first N]`; `first`
 * is the number of the first container, for several engines beside one registry. It prints `listening` when it can be used. Beside the engine's API it takes, as `POST` on the same socket:
 *   /fake/create[?port=0]     a container that is not started; port 0 is an ephemeral host port, none a fixed one; with
 *       [&path=/a/web]        it offers HTTP at that path
 *   /fake/start?id=ID         starts it
 *   /fake/run[?port=0][&n=N]  both, N times
 *   /fake/die?id=ID           it exits by itself
 *   /fake/kill?id=ID&signal=N the engine's `kill` event, and its death if it dies of that signal
 *   /fake/remove?id=ID        it is gone, and was killed before if it ran
 *   /fake/set?n=N             containers are run or removed until N are there
 *   /fake/cut                 every event stream ends
 *   /fake/clock               its clock is set by the machine's, which may be steered; before each block of a measurement
 *   /fake/counts              how many containers there are, how many lists and inspections were asked for
 * Each is answered with JSON: `{ "ids": [...] }`, with `"at": N` (when it was done, by the machine's clock) for one container, or the counts.
 */
const FIRST_PORT = 10_000;
const PORTS = 50_000;

class Stage {
  readonly engine: FakeEngine;
  readonly socket: EngineSocket;
  #named: number;

  constructor(clock: Clock, first: number) {
    this.#named = first - 1;
    this.engine = new FakeEngine(clock);
    this.socket = new EngineSocket(this.engine, (request) => this.#control(request));
  }

  create(port?: number, path?: string): string {
    this.#named += 1;
    const n = this.#named;
    return this.engine.create({
      // Short ids are the first digits, and keys end in them.
      id: fakeId(n).slice(-12).padEnd(64, '0'),
      name: `svc-${String(n)}`,
      labels: {
        'com.example.number': String(n),
        ...(path === undefined ? {} : { 'portolan.path': path, 'portolan.type': 'HTTP' }),
      },
      env: { PATH: '/usr/bin' },
      // So that what `kill` says and the death are two steps, as they are on a real engine.
      stubborn: true,
      ports: { '80/tcp': port ?? FIRST_PORT + (n % PORTS) },
    });
  }

  run(port?: number): string {
    const id = this.create(port);
    this.engine.start(id);
    return id;
  }

  set(wanted: number): void {
    while (this.engine.containers.size < wanted) this.run();
    for (const id of [...this.engine.containers.keys()].slice(wanted)) this.engine.remove(id);
  }

  #control({ method, path, query }: LiteRequest): unknown {
    if (method !== 'POST') return undefined;
    const port = query.has('port') ? Number(query.get('port')) : undefined;
    const id = query.get('id') ?? '';
    switch (path) {
      case '/fake/create':
        return { ids: [this.create(port, query.get('path') ?? undefined)] };
      case '/fake/run':
        return { ids: Array.from({ length: Number(query.get('n') ?? 1) }, () => this.run(port)) };
      case '/fake/set':
        this.set(Number(query.get('n')));
        return this.#counts();
      case '/fake/counts':
        return this.#counts();
      case '/fake/clock':
        recalibrate();
        return { ids: [] };
      case '/fake/cut':
        this.engine.cut();
        return { ids: [] };
      default:
        return this.#act(path.replace('/fake/', ''), id, Number(query.get('signal') ?? 15));
    }
  }

  #act(what: string, id: string, signal: number): unknown {
    const at = wallNow();
    if (what === 'start') this.engine.start(id);
    else if (what === 'die') this.engine.die(id);
    else if (what === 'kill') this.engine.kill(id, signal);
    else if (what === 'remove') this.engine.remove(id);
    else return undefined;
    return { ids: [id], at };
  }

  #counts(): object {
    const { inspections, lists } = this.socket;
    return { containers: this.engine.containers.size, inspections, lists };
  }
}

const { values } = parseArgs({
  options: {
    socket: { type: 'string' },
    containers: { type: 'string', default: '0' },
    first: { type: 'string', default: '1' },
  },
});
if (values.socket === undefined) throw new Error('--socket PATH is missing');
const stage = new Stage({ ...systemClock, now: wallNow }, Number(values.first));
stage.set(Number(values.containers));
await rm(values.socket, { force: true });
await stage.socket.listen(values.socket);
process.stdout.write('listening\n');
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(0));

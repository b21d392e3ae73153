import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../test/kit/clock.ts';
import { good } from '../../test/kit/config.ts';
import { FakeEngine } from '../../test/kit/engine-fake.ts';
import { eventually } from '../../test/kit/eventually.ts';
import { type Line, recordingLog } from '../../test/kit/loop.ts';
import { ask, tell } from '../cli/client.ts';
import type { HostView, PlanView, RecordView, ServiceView, StatusView } from '../core/status.ts';
import { announceSeveral } from './several.ts';

const never = new AbortController().signal;
const port = { '80/tcp': 0 };

/** An agent with the embedded registry over engines in memory, on a virtual clock; it is asked over its control socket. */
class SeveralAgent {
  readonly clock = new VirtualClock();
  readonly log = recordingLog();
  readonly engines = new Map<string, FakeEngine>();
  readonly folder: string;
  readonly #stop = new AbortController();
  ended: Promise<number | Error> = Promise.resolve(0);

  constructor(folder: string) {
    this.folder = folder;
    for (const name of ['east', 'west']) {
      const engine = new FakeEngine(this.clock);
      engine.id = `ID-${name}`;
      this.engines.set(name, engine);
    }
  }

  start(extra = ''): void {
    const yaml = `
stateDir: ${this.folder}
http: { listen: off }
engines:
  - { name: east, host: "unix:///run/east.sock", advertise: [10.0.0.1] }
  - { name: west, host: "tcp://10.0.0.2:2375" }
${extra}`;
    const { clock, log } = this;
    const io = { clock, log, random: () => 0.5, stdout: () => undefined, version: 'test', color: false };
    this.ended = announceSeveral(good({ yaml }).config, { ...io, signal: this.#stop.signal }, (config) =>
      Promise.resolve(this.engine(config.docker.host?.includes('east') === true ? 'east' : 'west')),
    ).catch((error: unknown) => error as Error);
  }

  engine(name: string): FakeEngine {
    const found = this.engines.get(name);
    if (found === undefined) throw new Error(name);
    return found;
  }

  async get<T>(path: string): Promise<T> {
    return (await ask({ sockets: [join(this.folder, 'portolan.sock')] }, `/v1/${path}`, never)).body as T;
  }

  async tell(path: string, order: object) {
    const { status, body } = await tell(
      { sockets: [join(this.folder, 'portolan.sock')] },
      `/v1/${path}`,
      order,
      never,
    );
    return { status, body: body as { readonly error?: { readonly message: string } } };
  }

  /** Lets virtual time pass until the expectations inside hold. */
  async sees<T>(look: () => T | Promise<T>): Promise<Exclude<T, false>> {
    return await eventually(
      async () => {
        await this.clock.advance(250);
        return await look();
      },
      { everyMs: 1 },
    );
  }

  /** Addresses of what is served, by engine. */
  async addresses(): Promise<Readonly<Record<string, string>>> {
    const services = await this.get<readonly ServiceView[]>('services');
    return Object.fromEntries(services.map(({ engine, address }) => [engine ?? '', address]));
  }

  said(level: string): readonly Line[] {
    return this.log.lines.filter((line) => line.level === level);
  }

  async end(): Promise<number | Error> {
    this.#stop.abort();
    let over = false;
    void this.ended.then(() => {
      over = true;
    });
    await this.sees(() => over);
    return await this.ended;
  }
}

let agent: SeveralAgent;
beforeEach(async () => {
  agent = new SeveralAgent(await mkdtemp(join(tmpdir(), 'portolan-several-')));
});
afterEach(async () => {
  await agent.end();
  await rm(agent.folder, { recursive: true, force: true });
});

describe('several engines in one agent', () => {
  const bothRun = async (): Promise<void> => {
    agent.engine('east').run({ id: 'e'.repeat(64), name: 'web', ports: port });
    agent.engine('west').run({ id: 'a'.repeat(64), name: 'web', ports: port });
    agent.start();
    await agent.sees(async () => {
      expect(await agent.addresses()).toEqual({ east: '10.0.0.1:32768', west: '10.0.0.2:32768' });
      expect(await agent.get('status')).toMatchObject({ ready: true });
    });
  };

  it('go by the name in the settings, one elsewhere by its own', async () => {
    agent.start('hostName: fury');
    await agent.sees(async () => {
      const hosts = await agent.get<readonly HostView[]>('hosts');
      expect(hosts.map(({ name }) => name)).toEqual(['fury', 'west']);
    });
  });

  it('announce each under its own owner and address, in one embedded registry', async () => {
    await bothRun();
    const status = await agent.get<StatusView>('status');
    expect(status).toMatchObject({
      owner: 'ID-east,ID-west',
      containers: 2,
      services: 2,
      engines: [
        { name: 'east', owner: 'ID-east', ready: true },
        { name: 'west', owner: 'ID-west', ready: true },
      ],
    });
    expect(new Set(status.engines?.map(({ instance }) => instance)).size).toBe(2);
    const hosts = await agent.get<readonly HostView[]>('hosts');
    expect(hosts.map(({ owner, engine, self, addresses }) => [owner, engine, self, addresses])).toEqual([
      ['ID-east', 'east', true, ['10.0.0.1']],
      ['ID-west', 'west', true, ['10.0.0.2']],
    ]);
    expect(hosts[1]?.name).toBe('west');
    const records = await agent.get<readonly RecordView[]>('records');
    expect(new Set(records.map(({ state }) => state))).toEqual(new Set(['synced']));
    expect(new Set(records.map(({ key }) => key)).size).toBe(records.length);
    expect(await readFile(join(agent.folder, 'engines/west/owner'), 'utf8')).toBe('ID-west\n');
    expect(await agent.get<PlanView>('plan')).toMatchObject({
      targets: [
        { engine: 'east', lines: [] },
        { engine: 'west', lines: [] },
      ],
    });
  });

  it('do not wait for one that is dead at the start, and take it up when it comes', async () => {
    agent.engine('west').goAway();
    agent.engine('east').run({ name: 'web', ports: port });
    agent.engine('west').run({ id: 'a'.repeat(64), name: 'api', ports: port });
    agent.start();
    await agent.sees(async () => {
      expect(await agent.addresses()).toEqual({ east: '10.0.0.1:32768' });
    });
    expect(await agent.get('status')).toMatchObject({
      ready: false,
      waitingFor: ['west: the engine has not answered yet'],
    });
    expect(await agent.get('plan')).toMatchObject({
      targets: [{ engine: 'east' }, { engine: 'west', failure: { code: 'docker-unreachable' } }],
    });
    agent.engine('west').comeBack();
    await agent.sees(async () => {
      expect(Object.keys(await agent.addresses())).toEqual(['west', 'east']);
    });
  });

  it('go on when one dies, whose records stay', async () => {
    await bothRun();
    agent.engine('west').goAway();
    agent.engine('east').remove('e'.repeat(64));
    await agent.sees(async () => {
      expect(await agent.addresses()).toEqual({ west: '10.0.0.2:32768' });
      expect(await agent.get('status')).toMatchObject({ ready: false });
    });
    agent.engine('east').run({ id: 'f'.repeat(64), name: 'new', ports: port });
    await agent.sees(async () => {
      expect(Object.keys(await agent.addresses()).sort()).toEqual(['east', 'west']);
    });
    const records = await agent.get<readonly RecordView[]>('records');
    expect(records.filter(({ engine }) => engine === 'west').length).toBeGreaterThan(0);
  });

  it('are followed once each, by whichever entry came first', async () => {
    agent.engine('west').id = 'ID-east';
    agent.engine('east').run({ name: 'web', ports: port });
    agent.engine('west').delayMs = () => 2000;
    agent.start();
    await agent.sees(async () => {
      const { waitingFor } = await agent.get<StatusView>('status');
      expect(waitingFor).toEqual([
        'west: this is the engine east (id ID-east), reached in another way: remove one of the two from engines',
      ]);
    });
    expect(await agent.addresses()).toEqual({ east: '10.0.0.1:32768' });
    const taken = agent.said('warn').filter(({ fields }) => fields['code'] === 'engine-taken');
    expect(taken.map(({ fields }) => fields['engine'])).toEqual(['west']);
  });

  it('are told apart when they have one id, as cloned machines have', async () => {
    agent.engine('west').id = 'ID-east';
    agent.engine('west').root = '/srv/docker';
    await mkdir(join(agent.folder, 'engines/west'), { recursive: true });
    await writeFile(join(agent.folder, 'engines/west/owner'), 'west\n');
    await bothRun();
    await agent.sees(async () => {
      expect(await agent.get('status')).toMatchObject({ ready: true });
    });
  });

  it('take orders by engine', async () => {
    await bothRun();
    expect(await agent.tell('drain', { host: true })).toMatchObject({
      status: 409,
      body: {
        error: {
          message:
            'This agent has several engines, each with a host of its own: east, west. Name one with --engine.',
        },
      },
    });
    expect(await agent.tell('drain', { container: 'web' })).toMatchObject({
      status: 409,
      body: { error: { message: 'Several engines have a container web. Write east/web or west/web.' } },
    });
    expect(await agent.tell('drain', { host: true, engine: 'north' })).toMatchObject({ status: 404 });
    expect(await agent.tell('drain', { container: 'west/web' })).toMatchObject({
      status: 200,
      body: { engine: 'west', container: 'web', repeated: false },
    });
    expect(await agent.tell('drain', { container: 'e'.repeat(12) })).toMatchObject({
      body: { engine: 'east' },
    });
    expect(await agent.get('orders')).toMatchObject([{ engine: 'east' }, { engine: 'west' }]);
    expect(await agent.tell('drain', { host: true, engine: 'west' })).toMatchObject({
      status: 200,
      body: { engine: 'west', subject: 'host' },
    });
    expect(await agent.get('explain/web')).toMatchObject({
      seen: false,
      summary: 'web: several engines have such a container; write east/web or west/web',
    });
    expect(await agent.get('explain/west%2Fweb')).toMatchObject({
      seen: true,
      engine: 'west',
      orders: [{ scope: 'container' }, { scope: 'host' }],
      history: [{ engine: 'west', transitions: [{ reason: 'started' }, { reason: 'drain-command' }] }],
    });
    expect(await agent.get('history/east%2Fweb')).toMatchObject([{ engine: 'east', container: 'web' }]);
    expect(await agent.get<object[]>('history')).toContainEqual(
      expect.objectContaining({ engine: 'west', reason: 'drain-command' }),
    );
    expect(await agent.tell('hosts/remove', { owner: 'ID-west', force: false })).toMatchObject({
      status: 409,
    });
  });

  it('hand over each owner at the end', async () => {
    await bothRun();
    expect(await agent.end()).toBe(0);
    const said = agent.said('info').filter(({ message }) => message === 'records stay for the successor');
    expect(said.map(({ fields }) => fields['engine']).sort()).toEqual(['east', 'west']);
  });
});

describe('an engine that cannot be used', () => {
  it('is told, and the others are followed', async () => {
    const usable = agent.engine('east');
    usable.run({ name: 'web', ports: port });
    agent.engines.delete('west');
    agent.start();
    await agent.sees(async () => {
      expect(await agent.addresses()).toEqual({ east: '10.0.0.1:32768' });
      expect(await agent.get('status')).toMatchObject({ ready: false, waitingFor: ['west: west'] });
    });
  });

  it('ends the agent when it is the only one left', async () => {
    agent.engines.clear();
    agent.start();
    const ended = await agent.ended;
    expect(ended).toMatchObject({ message: 'east: east; west: west' });
  });
});

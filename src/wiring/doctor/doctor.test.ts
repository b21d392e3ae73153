import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../test/kit/clock.ts';
import { FakeEngine } from '../../../test/kit/engine-fake.ts';
import { FlakyStore } from '../../../test/kit/flaky-store.ts';
import { FakeStatus } from '../../../test/kit/status-fake.ts';
import { type Finding, finding, type RunningAgent } from '../../core/doctor.ts';
import { fail, failure, ok } from '../../core/failure.ts';
import type { StatusView } from '../../core/status.ts';
import { encodeHeartbeat } from '../../provider/kv/heartbeat.ts';
import { MemoryStore } from '../../provider/memory/store.ts';
import { runChecks } from './checks.ts';
import { examineEngine, type SocketFacts } from './engine.ts';
import { examineAgent, examineFolder, examineLimits, examinePorts, tryPort } from './machine.ts';
import { examineProxy, type ProxyPatient } from './proxy.ts';
import { examineRegistry, type RegistryPatient } from './registry.ts';

const never = new AbortController().signal;
const codes = (found: readonly Finding[]): readonly string[] => found.map(({ code }) => code);
const folder = mkdtempSync(join(tmpdir(), 'portolan-doctor-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('the checks', () => {
  it('are isolated: one that hangs and one that throws stop no other, and are told', async () => {
    const clock = new VirtualClock();
    const hangs = { name: 'a', run: () => new Promise<never>(() => undefined) };
    const throws = { name: 'b', run: () => Promise.reject(new Error('boom')) };
    const fine = { name: 'c', run: () => Promise.resolve([finding('agent-ready', 'c', 'is well')]) };
    const done = runChecks([hangs, throws, fine], { clock, limitMs: 5000, signal: never });
    await clock.advance(5000);
    expect(codes(await done)).toEqual(['check-late', 'check-failed', 'agent-ready']);
  });
});

describe('an engine', () => {
  const open: SocketFacts = { path: '/run/e.sock', why: undefined, group: 'docker' };
  const examine = async (engine: FakeEngine, clock: VirtualClock, over: object = {}) => {
    const patient = { subject: 'engine', engine, sockets: [open], insideContainer: false, clock, ...over };
    const found = examineEngine(patient, never);
    await clock.advance(20_000);
    return await found;
  };
  const setUp = () => {
    const clock = new VirtualClock(1_000_000);
    return { clock, engine: new FakeEngine(clock) };
  };

  it('that is well is told with its version', async () => {
    const { clock, engine } = setUp();
    const found = await examine(engine, clock);
    expect(codes(found)).toEqual(['engine-answers']);
    expect(found[0]?.what).toContain('API 1.41');
  });

  it('has no socket, or one that this user may not open', async () => {
    const { clock, engine } = setUp();
    const missing = { ...open, why: 'not there' };
    expect(codes(await examine(engine, clock, { sockets: [missing] }))).toEqual(['engine-missing']);
    const denied = { ...open, why: 'not allowed for this user' };
    const found = await examine(engine, clock, { sockets: [missing, denied] });
    expect(found).toMatchObject([{ code: 'engine-socket-denied' }]);
    expect(found[0]?.what).toContain('group docker');
  });

  it('has left its socket behind', async () => {
    const { clock, engine } = setUp();
    engine.negotiate = () => Promise.resolve(fail('docker-unreachable', 'connect ECONNREFUSED /run/e.sock'));
    expect(codes(await examine(engine, clock, { insideContainer: true }))).toEqual(['engine-stale']);
    engine.negotiate = () => Promise.resolve(fail('docker-unreachable', 'getaddrinfo ENOTFOUND'));
    expect(codes(await examine(engine, clock))).toEqual(['engine-unreachable']);
  });

  it('stands behind a proxy that refuses some questions', async () => {
    const { clock, engine } = setUp();
    engine.events = () => Promise.resolve(fail('docker-rejected', '403 Forbidden'));
    const found = await examine(engine, clock);
    expect(codes(found)).toEqual(['engine-answers', 'engine-denied']);
    expect(found[1]?.what).toMatch(/GET \/events is refused .*EVENTS=1/);
  });

  it('has a clock of its own', async () => {
    const { clock, engine } = setUp();
    engine.clockOffsetMs = -3_600_000;
    const found = await examine(engine, clock);
    expect(codes(found)).toContain('engine-clock');
    expect(found.find(({ code }) => code === 'engine-clock')?.what).toContain('behind');
  });
});

describe('a registry', () => {
  const setUp = (over: Partial<RegistryPatient> = {}) => {
    const clock = new VirtualClock(1_000_000);
    const memory = new MemoryStore({ clock });
    const store = new FlakyStore(memory);
    const healthy = { version: '3.5.0', bytes: 1000, alarms: [] };
    const patient: RegistryPatient = {
      ...{ subject: 'registry r', store: store.reader, checkup: () => Promise.resolve(healthy), clock },
      ...{ prefixes: ['/services/'], owner: 'host-a', agent: { type: 'away', why: '' } as const, ...over },
    };
    const heartbeat = async (handover: boolean): Promise<void> => {
      const identity = { instance: 'i', name: 'web-9', addresses: ['10.0.0.9'], version: '1', since: 0 };
      const value = encodeHeartbeat(identity, { lease: '0', ttlSeconds: 15, handover });
      const then = [{ type: 'put', key: '/portolan/hosts/host-a', value, lease: '0' } as const];
      await memory.writer().txn({ compares: [], then, otherwise: [] }, never);
    };
    return { store, patient, heartbeat };
  };

  it('that is well is told with its version', async () => {
    const { patient } = setUp();
    expect(codes(await examineRegistry(patient, never))).toEqual(['registry-answers']);
  });

  it('is away, or refuses the login or the role', async () => {
    const { store, patient } = setUp();
    store.failing = () => failure('registry-timeout');
    expect(codes(await examineRegistry(patient, never))).toEqual(['registry-unreachable']);
    store.failing = () => failure('registry-denied', 'the role needs read on the prefix /services/');
    expect(codes(await examineRegistry(patient, never))).toEqual(['registry-denied']);
    store.failing = (call) => (call === 'get' ? failure('registry-denied', 'read /services/') : undefined);
    expect(codes(await examineRegistry(patient, never))).toEqual(['registry-answers', 'registry-denied']);
  });

  it('is full or damaged, nearly full, or takes small transactions only', async () => {
    for (const [alarm, code] of [
      ['Nospace', 'registry-full'],
      ['Corrupt', 'registry-corrupt'],
    ] as const) {
      const checkup = () => Promise.resolve({ version: undefined, bytes: 2 * 1024 ** 3, alarms: [alarm] });
      expect(codes(await examineRegistry(setUp({ checkup }).patient, never))).toEqual([
        'registry-answers',
        code,
      ]);
    }
    const large = () => Promise.resolve({ version: '3', bytes: 1.9 * 1024 ** 3, alarms: [] });
    expect(codes(await examineRegistry(setUp({ checkup: large }).patient, never))).toContain(
      'registry-large',
    );
    const { store, patient } = setUp();
    store.failing = (call) => (call === 'get' ? failure('too-many-operations') : undefined);
    expect(codes(await examineRegistry(patient, never))).toContain('registry-small-transactions');
  });

  it('knows another agent with this owner id', async () => {
    const { patient, heartbeat } = setUp();
    await heartbeat(true);
    expect(codes(await examineRegistry(patient, never))).toEqual(['registry-answers']);
    await heartbeat(false);
    expect(codes(await examineRegistry(patient, never))).toContain('owner-elsewhere');
    const running = (instance: string) =>
      ({ type: 'running', status: { ...new FakeStatus().view, instance } }) as const;
    const ours = { ...patient, agent: running('i') };
    expect(codes(await examineRegistry(ours, never))).toEqual(['registry-answers']);
    const found = await examineRegistry({ ...patient, agent: running('j') }, never);
    expect(found.at(-1)).toMatchObject({ code: 'owner-taken', severity: 'error' });
    expect(found.at(-1)?.what).toContain('web-9 (10.0.0.9)');
  });
});

describe('this machine', () => {
  it('has a state folder that can be written, or will have', async () => {
    expect(await examineFolder(folder, process.getuid?.())).toEqual([]);
    expect(await examineFolder(join(folder, 'a/b'), process.getuid?.())).toEqual([]);
  });

  it('has a state folder that is none, is somebody else’s, or is damaged', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    expect(codes(await examineFolder(file, 0))).toEqual(['state-folder-denied']);
    expect(codes(await examineFolder(folder, (process.getuid?.() ?? 0) + 1))).toEqual([
      'state-folder-foreign',
    ]);
    const damaged = join(folder, 'damaged');
    mkdirSync(join(damaged, 'owner'), { recursive: true });
    expect(codes(await examineFolder(damaged, process.getuid?.()))).toEqual(['state-folder-damaged']);
  });

  it('has ports that are taken or not for everybody', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const { port } = server.address() as { readonly port: number };
    expect(await tryPort('127.0.0.1', port)).toBe('taken');
    server.close();
    const binds = [{ subject: 'http.listen', host: '127.0.0.1', port: 80 }];
    expect(codes(await examinePorts(binds, () => Promise.resolve('taken')))).toEqual(['port-taken']);
    expect(codes(await examinePorts(binds, () => Promise.resolve('denied')))).toEqual(['port-denied']);
    expect(await examinePorts(binds, () => Promise.resolve('free'))).toEqual([]);
  });

  it('has a limit of open files', () => {
    const limits = (soft: string) => () => `Max open files            ${soft}                 4096   files\n`;
    expect(codes(examineLimits(limits('256')))).toEqual(['few-files']);
    expect(examineLimits(limits('1048576'))).toEqual([]);
    expect(examineLimits(limits('unlimited'))).toEqual([]);
  });

  it('has an agent that runs, waits, is in trouble, or is none', () => {
    const of = (over: Partial<StatusView>): RunningAgent => ({
      type: 'running',
      status: { ...new FakeStatus().view, ...over },
    });
    expect(codes(examineAgent(of({})))).toEqual(['agent-ready']);
    expect(codes(examineAgent(of({ ready: false, waitingFor: ['a', 'b'] })))).toEqual([
      'agent-not-ready',
      'agent-not-ready',
    ]);
    const targets = [{ target: 'r', conflicts: 2, failing: 1, brakeEngaged: true }] as never;
    expect(codes(examineAgent(of({ targets })))).toEqual(['agent-ready', 'agent-trouble']);
    for (const type of ['away', 'denied', 'silent'] as const)
      expect(codes(examineAgent({ type, why: 'so' }))).toEqual([`agent-${type}`]);
  });
});

describe('a proxy', () => {
  const INFO = 'Name: HAProxy\nVersion: 3.0.11\nPid: 7\nUptime_sec: 1\n';
  const examine = async (over: Partial<ProxyPatient>, answers: Readonly<Record<string, string>> = {}) => {
    const all: Readonly<Record<string, string>> = {
      'show info': INFO,
      'show cli level': 'admin\n',
      ...answers,
    };
    const patient: ProxyPatient = {
      settings: { name: 'edge', managed: false, program: 'haproxy', folder: '/f' },
      socket: { path: '/s', ask: (line) => Promise.resolve(ok(all[line] ?? '')) },
      ...{ printedVersion: () => Promise.resolve('HAProxy version 2.6.12 2023\n'), agentRuns: false },
      ...{ folderProblem: () => undefined, ...over },
    };
    return codes(await examineProxy(patient, never));
  };
  const managed = { name: 'edge', managed: true, program: 'haproxy', folder: '/f' };
  const away = { path: '/s', ask: () => Promise.resolve(fail('proxy-unreachable')) };

  it('that can be driven answers', async () => {
    expect(await examine({})).toEqual(['proxy-answers']);
  });

  it('is away, too old, may not be opened, or lets nobody change it', async () => {
    expect(await examine({ socket: away })).toEqual(['proxy-unreachable']);
    expect(await examine({}, { 'show info': INFO.replace('3.0.11', '2.4.1') })).toEqual([
      'proxy-unsupported',
    ]);
    expect(await examine({}, { 'show info': 'Permission denied\n' })).toEqual(['proxy-denied']);
    expect(await examine({}, { 'show cli level': 'operator\n' })).toEqual(['proxy-level']);
    expect(await examine({ folderProblem: () => 'no' })).toEqual(['proxy-folder-denied', 'proxy-answers']);
  });

  it('that is managed is away without an agent, and needs a program', async () => {
    expect(await examine({ settings: managed, socket: away })).toEqual([]);
    expect(await examine({ settings: managed, socket: away, agentRuns: true })).toEqual([
      'proxy-unreachable',
    ]);
    const printedVersion = () => Promise.resolve(undefined);
    expect(await examine({ settings: managed, printedVersion })).toEqual([
      'proxy-unsupported',
      'proxy-answers',
    ]);
    const old = () => Promise.resolve('HA-Proxy version 2.2.9 2021\n');
    expect(await examine({ settings: managed, socket: away, printedVersion: old })).toEqual([
      'proxy-unsupported',
    ]);
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../test/kit/clock.ts';
import { FlakyStore } from '../../test/kit/flaky-store.ts';
import { failure } from '../core/failure.ts';
import type { ListeningPorts } from '../core/own-announcement.ts';
import type { Log } from '../core/ports.ts';
import { LeaseKeeper } from '../provider/kv/lease-keeper.ts';
import { KvOwnKeys } from '../provider/kv/own-keys.ts';
import { MemoryStore } from '../provider/memory/store.ts';
import { OwnAnnouncer } from './own-announcer.ts';

const WEB = { key: '/announce/a/dev/web/c1', value: '{"ID":"c1"}', path: '/a/dev/web', port: 80 };
const ADMIN = {
  key: '/announce/a/dev/admin/c1',
  value: '{"ID":"c1","PORT":"81"}',
  path: '/a/dev/admin',
  port: 81,
};
const never = new AbortController().signal;
const away = failure('registry-unreachable', 'no connection');

/** A container with an announcer, and the registry that it announces in. */
class World {
  readonly clock = new VirtualClock();
  readonly memory = new MemoryStore({ clock: this.clock });
  readonly store = new FlakyStore(this.memory);
  readonly said: string[] = [];
  ports: ListeningPorts | undefined = new Map([[80, 'reachable']]);
  stop = new AbortController();

  start(announcements = [WEB, ADMIN], store = this.store): Promise<unknown> {
    const { clock } = this;
    const writer = store.writer();
    const random = (): number => 0.5;
    const lease = new LeaseKeeper({ writer, ttlSeconds: 15, clock, random });
    const keys = announcements.map(({ key }) => key);
    const announcer = new OwnAnnouncer({
      ...{ target: 'etcd', announcements, refreshMs: 5_000, clock, random, log: this.#log() },
      desk: new KvOwnKeys({ reader: store.reader, writer, lease, keys }),
      listening: () => this.ports,
    });
    const { signal } = this.stop;
    return Promise.all([lease.run(signal), announcer.run(signal)]);
  }

  /** By the last part of the path. */
  async stands(): Promise<Readonly<Record<string, string>>> {
    const listed = await this.memory.reader.list('/', never);
    if (!listed.ok) throw new Error(listed.failure.message);
    return Object.fromEntries(listed.value.entries.map(({ key, value }) => [key.split('/')[4] ?? '', value]));
  }

  async put(value: string, lease = '0', { key } = WEB): Promise<void> {
    const put = { type: 'put', key, value, lease } as const;
    await this.memory.writer().txn({ compares: [], then: [put], otherwise: [] }, never);
  }

  async remove({ key } = WEB): Promise<void> {
    await this.memory.writer().txn({ compares: [], then: [{ type: 'delete', key }], otherwise: [] }, never);
  }

  async lease(ttl = 15): Promise<string> {
    const granted = await this.memory.writer().leaseGrant(ttl, never);
    return granted.ok ? granted.value.id : '';
  }

  async leaseOf({ key } = WEB): Promise<string> {
    const read = await this.memory.reader.get([key], never);
    return (read.ok && read.value.entries.get(key)?.lease) || '0';
  }

  #log(): Log {
    const say = (fields: object, message: string): void => {
      const { service, reason } = fields as { service?: string; reason?: string };
      this.said.push([message, service, reason].filter((part) => part !== undefined).join(' | '));
    };
    return { debug: say, info: say, warn: say, error: say };
  }
}

let world: World;
beforeEach(() => {
  world = new World();
});

describe('an announcer within a container', () => {
  it('announces what listens, and only while it listens', async () => {
    void world.start();
    await world.clock.advance(1_000);
    expect(await world.stands()).toEqual({ web: WEB.value });
    world.ports = new Map([[81, 'reachable']]);
    await world.clock.advance(500);
    expect(await world.stands()).toEqual({ admin: ADMIN.value });
    world.ports = new Map([
      [80, 'reachable'],
      [81, 'reachable'],
    ]);
    await world.clock.advance(500);
    expect(await world.stands()).toEqual({ web: WEB.value, admin: ADMIN.value });
    expect(world.said).toEqual([
      'announced | /a/dev/web | port 80 listens',
      'waiting | /a/dev/admin | nothing listens on port 81 yet',
      'withdrawn | /a/dev/web | nothing listens on port 80 any more',
      'announced | /a/dev/admin | port 81 listens',
      'announced | /a/dev/web | port 80 listens',
    ]);
  });

  it('writes nothing while nothing changes, and its lease lives on', async () => {
    void world.start();
    await world.clock.advance(1_000);
    const before = world.store.transactions.length;
    await world.clock.advance(60_000);
    expect(world.store.transactions.length).toBe(before);
    expect(await world.stands()).toEqual({ web: WEB.value });
  });

  it('goes by what it saw last while the kernel does not tell', async () => {
    void world.start();
    await world.clock.advance(1_000);
    world.ports = undefined;
    await world.clock.advance(20_000);
    expect(await world.stands()).toEqual({ web: WEB.value });
  });

  it('warns of a port that listens on loopback alone, and announces it', async () => {
    world.ports = new Map([[80, 'loopback']]);
    void world.start([WEB]);
    await world.clock.advance(1_000);
    expect(await world.stands()).toEqual({ web: WEB.value });
    expect(world.said).toEqual([expect.stringContaining('port 80 listens on loopback alone')]);
  });

  it('takes everything away when it is told to end', async () => {
    const ended = world.start();
    await world.clock.advance(1_000);
    world.stop.abort();
    await ended;
    expect(await world.stands()).toEqual({});
    expect(world.said.at(-1)).toBe('withdrawn | /a/dev/web | this process ends');
  });

  it('ends at once while the registry is away, and what it wrote goes with its lease', async () => {
    const ended = world.start();
    await world.clock.advance(1_000);
    world.store.failing = () => away;
    await world.clock.advance(10_000);
    world.stop.abort();
    await ended;
    expect(world.said.at(-1)).toMatch(/^cannot withdraw; what stands there goes with its lease/);
    await world.clock.advance(16_000);
    expect(await world.stands()).toEqual({});
  });

  it('is gone within the TTL when it is killed', async () => {
    void world.start();
    await world.clock.advance(1_000);
    // Cut off from the registry is all that others see of its death.
    world.store.failing = () => away;
    await world.clock.advance(16_000);
    expect(await world.stands()).toEqual({});
  });
});

describe('an announcer and its registry', () => {
  it('waits for a registry that is away, says so once, and withdraws in it what closed meanwhile', async () => {
    void world.start();
    await world.clock.advance(1_000);
    world.store.failing = () => away;
    await world.clock.advance(6_000);
    world.ports = new Map();
    await world.clock.advance(4_000);
    expect(await world.stands()).toEqual({ web: WEB.value });
    world.store.failing = () => undefined;
    await world.clock.advance(2_500);
    expect(await world.stands()).toEqual({});
    expect(world.said.filter((line) => line.startsWith('cannot'))).toEqual([
      'cannot announce now; it is tried again | The registry cannot be reached. (no connection)',
    ]);
    expect(world.said).toContain('the registry takes announcements again');
  });

  it('announces again after an outage that was longer than its lease', async () => {
    void world.start();
    await world.clock.advance(1_000);
    world.store.failing = () => away;
    await world.clock.advance(60_000);
    expect(await world.stands()).toEqual({});
    world.store.failing = () => undefined;
    await world.clock.advance(5_000);
    expect(await world.stands()).toEqual({ web: WEB.value });
  });

  it('announces again under a new lease when somebody revoked its own', async () => {
    void world.start([WEB]);
    await world.clock.advance(1_000);
    const lease = await world.leaseOf();
    await world.memory.writer().leaseRevoke(lease, never);
    await world.clock.advance(6_000);
    expect(await world.stands()).toEqual({ web: WEB.value });
    expect(await world.leaseOf()).not.toBe(lease);
    expect(world.said.at(-1)).toBe('announced again | /a/dev/web | it was gone or changed');
  });

  it('puts back what somebody removed, and what somebody changed under its lease', async () => {
    void world.start([WEB]);
    await world.clock.advance(1_000);
    await world.remove();
    await world.clock.advance(5_000);
    expect(await world.stands()).toEqual({ web: WEB.value });
    await world.put('{"ID":"x"}', await world.leaseOf());
    await world.clock.advance(5_000);
    expect(await world.stands()).toEqual({ web: WEB.value });
  });

  it('never touches a record of somebody else, says whose it is, and announces once that is gone', async () => {
    await world.put(WEB.value);
    const ended = world.start([WEB]);
    await world.clock.advance(30_000);
    expect(world.said).toEqual([
      expect.stringMatching(/^not announced \| \/a\/dev\/web \| a record without a lease stands there/),
    ]);
    world.ports = new Map();
    await world.clock.advance(6_000);
    expect(await world.leaseOf()).toBe('0');
    expect(await world.stands()).toEqual({ web: WEB.value });
    world.ports = new Map([[80, 'reachable']]);
    await world.remove();
    await world.clock.advance(5_000);
    expect(await world.leaseOf()).not.toBe('0');
    await world.put('{"ID":"other"}');
    await world.clock.advance(5_000);
    world.stop.abort();
    await ended;
    expect(await world.stands()).toEqual({ web: '{"ID":"other"}' });
  });

  it('leaves alone what another living process announces in the same words', async () => {
    const other = new FlakyStore(world.memory);
    void world.start([WEB], other);
    await world.clock.advance(1_000);
    const lease = await world.leaseOf();
    void world.start([WEB]);
    await world.clock.advance(60_000);
    expect(await world.leaseOf()).toBe(lease);
    expect(world.said.at(-1)).toMatch(/^not announced .* another process announces the same there/);
  });

  it('takes up what it wrote before it was killed, and nobody sees that go', async () => {
    await world.put(WEB.value, await world.lease());
    const gone: string[] = [];
    const observer = {
      events: (batch: readonly { readonly type: string }[]) =>
        gone.push(...batch.flatMap(({ type }) => (type === 'delete' ? [type] : []))),
      lost: () => undefined,
    };
    world.memory.reader.watch({ keys: [WEB.key] }, '1', observer);
    void world.start([WEB]);
    await world.clock.advance(30_000);
    expect(await world.stands()).toEqual({ web: WEB.value });
    expect(gone).toEqual([]);
  });

  it('goes on with one key when another cannot be written', async () => {
    world.ports = new Map([
      [80, 'reachable'],
      [81, 'reachable'],
    ]);
    world.store.failing = (call, transaction) =>
      call === 'txn' && transaction?.then.some(({ key }) => key === WEB.key)
        ? failure('registry-denied', 'not yours')
        : undefined;
    void world.start();
    await world.clock.advance(1_000);
    expect(await world.stands()).toEqual({ admin: ADMIN.value });
    expect(world.said.filter((line) => line.includes('(not yours)'))).toHaveLength(1);
  });
});

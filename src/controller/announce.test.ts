import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../test/kit/clock.ts';
import { containerId, describeSimply } from '../../test/kit/containers.ts';
import { ended, endedAfterEach, keysOf, many, seen, serviceKey } from '../../test/kit/loop-script.ts';
import { MemoryStore } from '../provider/memory/store.ts';

const start = endedAfterEach();

describe('the announce loop', () => {
  it('Convergence: the registry equals what the containers offer', async () => {
    const test = start();
    await test.listed(seen(1), seen(2));
    expect(await test.records()).toEqual([...keysOf(1), ...keysOf(2), '/hosts/o'].sort());
    await test.say(ended(1), seen(3));
    expect(await test.records()).toEqual([...keysOf(2), ...keysOf(3), '/hosts/o'].sort());
    expect(test.loop.converged).toBe(true);
  });

  it('Idempotence: after convergence nothing is written, whatever is listed again', async () => {
    const test = start();
    await test.listed(...many(5));
    const before = await test.revision();
    await test.listed(...many(5));
    await test.clock.advance(300_000);
    expect(await test.revision()).toBe(before);
  });

  it('writes nothing before the first complete list of the containers', async () => {
    const test = start();
    await test.say(seen(1));
    expect(await test.records()).toEqual([]);
  });

  it('Ownership: a foreign record at our key is never touched, and ours is made when it is gone', async () => {
    const test = start();
    await test.put(serviceKey(1), 'theirs');
    await test.listed(seen(1));
    expect((await test.content()).get(serviceKey(1))).toBe('theirs');
    expect(test.loop.targets[0]?.journal.get(serviceKey(1))?.state).toBe('conflict');
    await test.say(ended(1));
    expect((await test.content()).get(serviceKey(1))).toBe('theirs');
    await test.say(seen(1));
    await test.remove(serviceKey(1));
    await test.clock.advance(1000);
    expect((await test.content()).get(serviceKey(1))).toBe('10.0.0.1:30001 registered');
  });

  it('repairs a record that somebody deleted or altered, within a second', async () => {
    const test = start();
    await test.listed(seen(1));
    await test.remove(serviceKey(1));
    await test.clock.advance(1000);
    expect((await test.content()).get(serviceKey(1))).toBe('10.0.0.1:30001 registered');
    await test.put(serviceKey(1), 'altered');
    await test.clock.advance(1000);
    expect((await test.content()).get(serviceKey(1))).toBe('10.0.0.1:30001 registered');
  });

  it('restores a ledger entry that somebody deleted while the record is as we wrote it', async () => {
    const test = start();
    await test.listed(seen(1));
    const before = await test.content();
    for (const key of before.keys()) if (key.startsWith('/portolan/owners/')) await test.remove(key);
    await test.clock.advance(1000);
    expect(await test.content()).toEqual(before);
  });

  it('restores a ledger entry also after a restart, when this process has not written the record itself', async () => {
    const clock = new VirtualClock();
    const stores = [new MemoryStore({ clock })];
    const first = start({ clock, stores, instance: 'one' });
    await first.listed(seen(1));
    await first.end();
    const before = await first.content();
    const second = start({ clock, stores, instance: 'two', predecessorDead: true });
    await second.listed(seen(1));
    for (const key of before.keys()) if (key.startsWith('/portolan/owners/')) await second.remove(key);
    await clock.advance(1000);
    expect(await second.content()).toEqual(before);
    await second.say(ended(1));
    expect(await second.records()).toEqual(['/hosts/o']);
  });

  it('makes everything again when somebody wipes the registry', async () => {
    const test = start();
    await test.listed(...many(3));
    const before = await test.content();
    for (const { key } of await test.entries()) await test.remove(key);
    await test.clock.advance(10_000);
    expect(await test.content()).toEqual(before);
  });

  it('gives way to somebody who alters a record three times within a minute, and comes back when theirs is gone', async () => {
    const test = start();
    await test.listed(seen(1));
    for (let i = 0; i < 3; i += 1) {
      await test.put(serviceKey(1), `theirs ${String(i)}`);
      await test.clock.advance(1000);
    }
    expect((await test.content()).get(serviceKey(1))).toBe('theirs 2');
    await test.clock.advance(300_000);
    expect((await test.content()).get(serviceKey(1))).toBe('theirs 2');
    await test.remove(serviceKey(1));
    await test.clock.advance(1000);
    expect((await test.content()).get(serviceKey(1))).toBe('10.0.0.1:30001 registered');
  });

  it('Unknown is not empty: while the engine is out of sight nothing leaves', async () => {
    const test = start();
    await test.listed(...many(12));
    const before = await test.revision();
    await test.say({
      type: 'unknown',
      failure: { kind: 'transient', code: 'docker-unreachable', message: 'm' },
    });
    await test.clock.advance(600_000);
    expect(await test.revision()).toBe(before);
  });

  it('Brake: many unexplained removals wait, the source is read again, and they go within fifteen seconds', async () => {
    const test = start();
    await test.listed(...many(12));
    await test.listed(...Array.from({ length: 12 }, (_, i) => ended(i + 1, false)));
    await test.clock.advance(4000);
    expect((await test.records()).length).toBe(25);
    expect(test.loop.targets[0]?.brakeEngaged).toBe(true);
    await test.clock.advance(2000);
    expect(test.source.relists).toBe(1);
    await test.listed();
    await test.clock.advance(1000);
    expect(await test.records()).toEqual(['/hosts/o']);
  });

  it('Brake: lets go by itself when the source stays silent', async () => {
    const test = start();
    await test.listed(...many(12));
    await test.say(...Array.from({ length: 12 }, (_, i) => ended(i + 1, false)));
    await test.clock.advance(16_000);
    expect(await test.records()).toEqual(['/hosts/o']);
  });

  it('Brake: removals that events explain never wait', async () => {
    const test = start();
    await test.listed(...many(12));
    await test.say(...Array.from({ length: 12 }, (_, i) => ended(i + 1)));
    expect(await test.records()).toEqual(['/hosts/o']);
  });

  it('Drain: marks the record at the stop signal, together with the note, and a restarted agent adopts it', async () => {
    const clock = new VirtualClock();
    const stores = [new MemoryStore({ clock })];
    const first = start({ clock, stores, instance: 'one' });
    await first.listed(seen(1));
    await first.say({ type: 'stopping', id: containerId(1), signal: 'SIGTERM', at: clock.now() });
    const marked = (await first.entries()).filter(
      ({ key, value }) => key.startsWith('/portolan/drains/') || value.endsWith('draining'),
    );
    expect(new Set(marked.map(({ modRevision }) => modRevision)).size).toBe(1);
    expect(marked).toHaveLength(2);
    await first.end();
    const before = await first.content();
    const second = start({ clock, stores, instance: 'two', predecessorDead: true });
    await second.listed(seen(1));
    await clock.advance(1000);
    expect(await second.content()).toEqual(before);
  });

  it('restarts with nothing changed and writes only the heartbeat', async () => {
    const clock = new VirtualClock();
    const stores = [new MemoryStore({ clock })];
    const first = start({ clock, stores, instance: 'one' });
    await first.listed(...many(5));
    await first.end();
    const before = await first.revision();
    const second = start({ clock, stores, instance: 'two', predecessorDead: true });
    await second.listed(...many(5));
    await clock.advance(120_000);
    expect(Number(await second.revision()) - Number(before)).toBe(1);
  });

  it('removes what went while it was down, and adds what came', async () => {
    const clock = new VirtualClock();
    const stores = [new MemoryStore({ clock })];
    const first = start({ clock, stores, instance: 'one' });
    await first.listed(seen(1), seen(2));
    await first.end();
    const second = start({ clock, stores, instance: 'two', predecessorDead: true });
    await second.listed(seen(2), seen(3));
    expect(await second.records()).toEqual([...keysOf(2), ...keysOf(3), '/hosts/o'].sort());
  });

  it('Unknown is not empty: keeps the records of a running container that cannot be read, until it can', async () => {
    const clock = new VirtualClock();
    const stores = [new MemoryStore({ clock })];
    const first = start({ clock, stores, instance: 'one' });
    await first.listed(seen(1), seen(2));
    await first.end();
    const second = start({ clock, stores, instance: 'two', predecessorDead: true });
    await second.say(seen(2), { type: 'listed', differences: 0, at: clock.now(), unread: [containerId(1)] });
    await clock.advance(60_000);
    expect(await second.records()).toEqual([...keysOf(1), ...keysOf(2), '/hosts/o'].sort());
    await second.say(ended(1, false), { type: 'listed', differences: 0, at: clock.now() });
    await clock.advance(5000);
    expect(await second.records()).toEqual([...keysOf(2), '/hosts/o'].sort());
  });

  it('two agents with one owner: the second stands by and neither prunes the other', async () => {
    const clock = new VirtualClock();
    const stores = [new MemoryStore({ clock })];
    const first = start({ clock, stores, instance: 'one' });
    await first.listed(seen(1), seen(2));
    const before = await first.content();
    const second = start({ clock, stores, instance: 'two' });
    await second.listed(seen(7));
    await clock.advance(300_000);
    expect(await second.content()).toEqual(before);
    expect(second.loop.targets[0]?.session.type).toBe('standby');
    await first.say(ended(2));
    expect(await first.records()).toEqual([...keysOf(1), '/hosts/o'].sort());
  });

  it('two owners on one registry leave each other alone', async () => {
    const clock = new VirtualClock();
    const stores = [new MemoryStore({ clock })];
    const a = start({ clock, stores, owner: 'a', instance: '1' });
    const b = start({ clock, stores, owner: 'b', instance: '2' });
    await a.listed(seen(1));
    await b.listed(seen(2));
    await a.say(ended(1));
    expect(await b.records()).toEqual([...keysOf(2), '/hosts/a', '/hosts/b'].sort());
  });

  it('Isolation: a dead registry delays no other, and is brought up to date when it returns', async () => {
    const clock = new VirtualClock();
    const [alive, dying] = [new MemoryStore({ clock }), new MemoryStore({ clock })];
    let away = false;
    const gone = {
      ok: false,
      failure: { kind: 'transient', code: 'registry-unreachable', message: 'away' },
    } as const;
    const flaky = {
      reader: {
        ...dying.reader,
        list: (...args: Parameters<typeof dying.reader.list>) =>
          away ? Promise.resolve(gone) : dying.reader.list(...args),
        get: (...args: Parameters<typeof dying.reader.get>) =>
          away ? Promise.resolve(gone) : dying.reader.get(...args),
      },
      writer: () => {
        const writer = dying.writer();
        return {
          ...writer,
          txn: (...args: Parameters<typeof writer.txn>) =>
            away ? Promise.resolve(gone) : writer.txn(...args),
        };
      },
    };
    const test = start({ clock, stores: [alive, flaky] });
    await test.listed(seen(1));
    away = true;
    await test.say(seen(2), ended(1));
    expect(await test.records(0)).toEqual([...keysOf(2), '/hosts/o'].sort());
    away = false;
    await clock.advance(60_000);
    expect(await test.records(1)).toEqual([...keysOf(2), '/hosts/o'].sort());
  });

  it('Isolation: a container that breaks its own description stops no other', async () => {
    const test = start({
      describe: (of) => {
        if (of.name === 'c2') throw new Error('broken');
        return describeSimply(of);
      },
    });
    await test.listed(seen(1), seen(2), seen(3));
    expect(await test.records()).toEqual([...keysOf(1), ...keysOf(3), '/hosts/o'].sort());
    expect(test.log.lines.filter(({ level }) => level === 'error')).toMatchObject([
      { fields: { container: 'c2' } },
    ]);
  });

  it('Dry run cannot write: it sees what it would do, also of a container that starts later, and the revision stays', async () => {
    const test = start({ dryRun: true });
    await test.put(serviceKey(2), 'theirs');
    const before = await test.revision();
    await test.listed(seen(1));
    await test.say(seen(2));
    await test.clock.advance(10_000);
    const cause = { code: 'relisted', at: 0, explained: false } as const;
    expect(test.loop.targets[0]?.verdict(serviceKey(1), cause).type).toBe('change');
    expect(test.loop.targets[0]?.verdict(serviceKey(2), cause).type).toBe('foreign');
    expect(await test.revision()).toBe(before);
  });

  it('upsert-only never removes, create-only never changes', async () => {
    const upsert = start({ policy: 'upsert-only' });
    await upsert.listed(seen(1));
    await upsert.say(ended(1));
    expect(await upsert.records()).toEqual([...keysOf(1), '/hosts/o'].sort());
    const create = start({ policy: 'create-only' });
    await create.listed(seen(1));
    await create.say({ type: 'stopping', id: containerId(1), signal: 'SIGTERM', at: 0 });
    expect((await create.content()).get(serviceKey(1))).toBe('10.0.0.1:30001 registered');
  });

  it('logs one line per change and none when idle', async () => {
    const test = start();
    await test.listed(seen(1));
    const created = test.log.lines.filter(({ message }) => message === 'record created');
    expect(created.map(({ fields }) => fields['key']).sort()).toEqual([...keysOf(1), '/hosts/o'].sort());
    expect(created.find(({ fields }) => fields['key'] === serviceKey(1))?.fields).toMatchObject({
      service: '/app/c1',
      container: 'c1',
      target: 'r0',
      action: 'create',
    });
    const before = test.log.lines.length;
    await test.listed(seen(1));
    await test.clock.advance(300_000);
    expect(test.log.lines.length).toBe(before);
  });

  it('takes a new lease and goes on when the host lease is lost', async () => {
    const test = start();
    await test.listed(seen(1));
    await test.remove('/portolan/hosts/o');
    await test.clock.advance(5000);
    await test.say(seen(2));
    expect(await test.records()).toEqual([...keysOf(1), ...keysOf(2), '/hosts/o'].sort());
  });
});

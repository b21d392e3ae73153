import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEtcd } from '../../src/provider/etcd/store.ts';
import type { KvStore } from '../../src/provider/kv/store.ts';
import { systemClock } from '../../src/telemetry/clock.ts';
import { unwrap } from '../contract/store.contract.ts';
import { EtcdServer } from '../kit/etcd.ts';
import { GrpcMeter } from '../kit/grpc-meter.ts';
import { RegistryView } from '../kit/registry-view.ts';
import { TcpProxy } from '../kit/tcp-proxy.ts';

const RECORDS = 10_000;
const MIB = 1_024 * 1_024;
const prefix = '/services/';
const never = new AbortController().signal;
const keyOf = (n: number): string => `${prefix}${String(n).padStart(6, '0')}`;
/** As long as a record with a long path and tags. */
const valueOf = (n: number): string => JSON.stringify({ ID: String(n), tags: ['t'.repeat(600)] });

let etcd: EtcdServer;
let proxy: TcpProxy;
let view: RegistryView;
let store: KvStore;
const answers: GrpcMeter[] = [];

beforeAll(async () => {
  etcd = await EtcdServer.start();
  const tap = (direction: string) => {
    const meter = new GrpcMeter({ fromClient: direction === 'to-server' });
    if (direction === 'to-client') answers.push(meter);
    return (chunk: Buffer): void => {
      meter.feed(chunk);
    };
  };
  proxy = await TcpProxy.start({ to: { port: etcd.port }, tap });
  view = new RegistryView(etcd);
  store = openEtcd({ endpoints: [`http://127.0.0.1:${proxy.port}`], clock: systemClock });
  await view.putAll(Array.from({ length: RECORDS }, (_, n) => [keyOf(n), valueOf(n)] as const));
  // Neighbours of the prefix on both sides, which are none of its records.
  await view.putAll([
    ['/services', 'x'],
    ['/services0', 'x'],
  ]);
});
afterAll(async () => {
  await store.reader.close();
  await proxy.stop();
  await etcd.remove();
});

/** What a listing of one piece at that revision says. */
const expectedAt = async (revision: string): Promise<readonly string[]> =>
  [...(await view.list(prefix, Number(revision))).values()].map(
    ({ key, modRevision }) => `${key} ${String(modRevision)}`,
  );

describe(`${String(RECORDS)} records`, () => {
  it('are listed in pages at one revision while others write between the pages', async () => {
    let writing = true;
    // From the last page to the first and back: whoever reads page after page of the present sees some twice, or never.
    const writer = async (): Promise<void> => {
      for (let n = 0; writing; n = (n + 1) % 500) {
        const [last, first] = [keyOf(RECORDS - 1 - n), `${prefix}!${String(n)}`];
        await view.move(last, first, valueOf(n));
        await view.move(first, last, valueOf(n));
      }
    };
    const writes = writer();
    const revisions = new Set<string>();
    try {
      for (let round = 0; round < 5; round += 1) {
        const before = await view.revision();
        const listing = unwrap(await store.reader.list(prefix, never));
        // There was a write between its pages.
        expect(await view.revision()).toBeGreaterThan(before + 1);
        revisions.add(listing.revision);
        expect(listing.entries).toHaveLength(RECORDS);
        const found = listing.entries.map(({ key, modRevision }) => `${key} ${modRevision}`);
        expect(found).toEqual(await expectedAt(listing.revision));
      }
    } finally {
      writing = false;
      await writes;
    }
    expect(revisions.size).toBe(5);
  });

  it('come in messages that stay far below the limit of a client with default settings', async () => {
    const from = answers.map(({ sizes }) => sizes.length);
    const { entries } = unwrap(await store.reader.list(prefix, never));
    const sizes = answers.flatMap((meter, n) => meter.sizes.slice(from[n] ?? 0));
    const bytes = entries.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
    // All of it was seen, and it would have been too much for one message.
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeGreaterThan(bytes);
    expect(bytes).toBeGreaterThan(4 * MIB);
    expect(Math.max(...sizes)).toBeLessThan(2 * MIB);
  });

  it('are read at an older revision that others have long left behind', async () => {
    const at = String(await view.revision());
    const then = await expectedAt(at);
    await view.putAll(Array.from({ length: 1_000 }, (_, n) => [keyOf(n * 7), 'later'] as const));
    const { entries } = unwrap(await store.reader.list(prefix, never, at));
    expect(entries.map(({ key, modRevision }) => `${key} ${modRevision}`)).toEqual(then);
  });
});

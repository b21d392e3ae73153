import { createSocket, type Socket } from 'node:dgram';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../test/kit/clock.ts';
import { eventually } from '../../test/kit/eventually.ts';
import { recordingLog } from '../../test/kit/loop.ts';
import { Statsd, type StatsdOptions } from './statsd.ts';

let server: Socket;
let port: number;
let packets: string[];
beforeEach(async () => {
  packets = [];
  server = createSocket('udp4');
  server.on('message', (bytes) => packets.push(bytes.toString()));
  await new Promise<void>((resolve) => {
    server.bind(0, '127.0.0.1', resolve);
  });
  ({ port } = server.address());
});
afterEach(async () => {
  await new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
  });
});

function told(over: Partial<StatsdOptions> = {}) {
  const clock = new VirtualClock();
  const log = recordingLog();
  const statsd = new Statsd({ host: '127.0.0.1', port, prefix: 'p', clock, log, ...over });
  return { clock, log, statsd };
}

describe('statsd', () => {
  it('hears each line under the prefix, times in real milliseconds', async () => {
    const { clock, statsd } = told({ host: 'localhost' });
    statsd.timing('services.set.ms', 12.3456);
    statsd.timing('services.set.ms', 8, 4);
    statsd.gauge('alive', 1);
    statsd.count('backend.failures');
    await clock.advance(100);
    await eventually(() => packets.length > 0);
    expect(packets.join('\n').split('\n')).toEqual([
      'p.services.set.ms:12.346|ms',
      'p.services.set.ms:8|ms|@0.25',
      'p.alive:1|g',
      'p.backend.failures:1|c',
    ]);
    await statsd.close();
  });

  it('hears many lines in packets that fit, and what is left at the end', async () => {
    const { clock, statsd } = told();
    for (let n = 0; n < 200; n += 1) statsd.timing('backend.ms', n);
    await clock.advance(100);
    await eventually(() => packets.join('\n').split('\n').length === 200);
    expect(Math.max(...packets.map(({ length }) => length))).toBeLessThanOrEqual(1400);
    statsd.count('last');
    await statsd.close();
    await eventually(() => packets.at(-1) === 'p.last:1|c');
    // Nothing comes after the end, and nothing breaks.
    statsd.count('too.late');
    await clock.advance(1_000);
    expect(clock.pendingTimers).toBe(0);
  });

  it('is looked for again now and then, and missed without harm, said once', async () => {
    const answers = [
      () => Promise.reject(new Error('getaddrinfo ENOTFOUND nowhere')),
      () => Promise.reject(new Error('getaddrinfo ENOTFOUND nowhere')),
      () => Promise.resolve({ address: '127.0.0.1', family: 4 }),
    ];
    let asked = 0;
    const resolve = () => answers[asked++]?.() ?? Promise.reject(new Error('asked too often'));
    const { clock, log, statsd } = told({ host: 'nowhere', resolve });
    for (let second = 0; second < 130; second += 1) {
      statsd.gauge('alive', second);
      await clock.advance(1_000);
    }
    await eventually(() => packets.some((packet) => packet.includes('alive:129')));
    expect([asked, packets.some((packet) => packet.includes('alive:59'))]).toEqual([3, false]);
    expect(log.lines.map(({ level, fields }) => [level, fields['reason']])).toEqual([
      ['warn', 'getaddrinfo ENOTFOUND nowhere'],
    ]);
    await statsd.close();
  });

  it('keeps little for a name of which nobody knows yet where it leads', async () => {
    let answer: (to: { address: string; family: number }) => void = () => undefined;
    const resolve = () => new Promise<{ address: string; family: number }>((done) => (answer = done));
    const { clock, statsd } = told({ resolve });
    for (let n = 0; n < 5_000; n += 1) {
      statsd.count('c');
      if (n % 1_000 === 0) await clock.advance(1_000);
    }
    answer({ address: '127.0.0.1', family: 4 });
    await eventually(() => packets.join('\n').split('\n').length === 1_000);
    await statsd.close();
  });

  it('may be dead: nobody notices', async () => {
    const { clock, log, statsd } = told({ port: 9 });
    for (let n = 0; n < 5; n += 1) {
      statsd.count('c');
      await clock.advance(1_000);
    }
    await statsd.close();
    expect(log.lines).toEqual([]);
  });
});

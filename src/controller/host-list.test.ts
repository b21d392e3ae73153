import { expect, it } from 'vitest';
import { containerId } from '../../test/kit/containers.ts';
import { simpleLayouts } from '../../test/kit/layouts.ts';
import type { TestLoop } from '../../test/kit/loop.ts';
import { ended, endedAfterEach, many, seen, serviceKey } from '../../test/kit/loop-script.ts';
import { registrarHostsLayout } from '../layout/hosts.ts';

const lister = registrarHostsLayout({ prefix: '/hosts', leased: false, lists: '/services/' });
const layouts = [...simpleLayouts.map((layout) => ({ ...layout, encodeHost: () => undefined })), lister];
const start = endedAfterEach();
const list = async (test: TestLoop) => (await test.content()).get('/hosts/h');
const documentOf = (...keys: readonly string[]) =>
  `{"hostname":"h","services":[${keys.map((key) => `"${key}"`).join(',')}]}`;

it('lists the keys that this host wants now, sorted, byte for byte', async () => {
  const test = start({ layouts });
  await test.listed();
  expect(await list(test)).toBe(documentOf());
  await test.say(seen(2));
  await test.say(seen(1));
  expect(await list(test)).toBe(documentOf(serviceKey(1), serviceKey(2)));
  await test.say(seen(1, { name: 'new' }));
  expect(await list(test)).toBe(documentOf(serviceKey(2), serviceKey(1).replace('c1', 'new')));
  await test.say(ended(2));
  expect(await list(test)).toBe(documentOf(serviceKey(1).replace('c1', 'new')));
  await test.say(ended(1));
  expect(await list(test)).toBe(documentOf());
});

it('Idempotence: is not written again when nothing of it changed, also not after a restart', async () => {
  const test = start({ layouts });
  await test.listed(...many(3));
  const before = await test.revision();
  await test.say(seen(2, { labels: new Map([['x', 'y']]) }));
  expect(await test.revision()).toBe(before);
  const written = (await test.entries()).find(({ key }) => key === '/hosts/h')?.modRevision;
  await test.end();
  const { clock, stores } = test;
  const second = start({ clock, stores, layouts, instance: 'two', predecessorDead: true });
  await second.listed(...many(3));
  await clock.advance(120_000);
  expect((await second.entries()).find(({ key }) => key === '/hosts/h')?.modRevision).toBe(written);
});

it('is made once for many changes at once, not for each', async () => {
  let made = 0;
  const counting = {
    ...lister,
    encodeHost: (...[owner, listed]: Parameters<typeof lister.encodeHost>) => {
      if (listed !== undefined) made += 1;
      return lister.encodeHost(owner, listed);
    },
  };
  const test = start({ layouts: [...layouts.slice(0, -1), counting] });
  await test.listed();
  made = 0;
  await test.say(...many(200));
  expect(JSON.parse((await list(test)) ?? '')).toMatchObject({ services: { length: 200 } });
  expect(made).toBeLessThan(10);
});

it('does not list what only this machine can reach', async () => {
  const test = start({ layouts });
  const ports = [{ port: 80, protocol: 'tcp' as const, bindings: [{ hostIp: '127.0.0.1', hostPort: 8080 }] }];
  await test.listed(seen(1, { ports }));
  expect(test.loop.endpoints.get(containerId(1))?.live.size).toBe(1);
  expect(await list(test)).toBe(documentOf());
});

import { describe, expect, it } from 'vitest';
import { container, containerId } from '../../test/kit/containers.ts';
import { TestLoop } from '../../test/kit/loop.ts';
import { seen } from '../../test/kit/loop-script.ts';
import type { Container } from '../core/container.ts';
import { fail, ok, type Result } from '../core/failure.ts';
import { AgentOrders } from './orders.ts';

const never = new AbortController().signal;

async function desk(answer: Result<Container | undefined> = ok(undefined)) {
  const test = new TestLoop();
  await test.listed(seen(1), seen(2));
  const source = Object.assign(test.source, { lookup: () => Promise.resolve(answer) });
  const orders = new AgentOrders({ loop: test.loop, source, clock: test.clock });
  return { test, orders };
}

describe('orders about a container', () => {
  it('take its name or its id', async () => {
    const { test, orders } = await desk();
    const { name } = container(1);
    expect(await orders.drain({ container: name }, never)).toMatchObject({
      ok: true,
      value: { subject: containerId(1), container: name, repeated: false, notes: [] },
    });
    expect(await orders.drain({ container: containerId(1) }, never)).toMatchObject({
      value: { repeated: true },
    });
    await test.end();
  });

  it('are refused where the beginning of an id may mean several, or nothing', async () => {
    const { test, orders } = await desk();
    const both = containerId(1).slice(0, 3);
    const alike = containerId(2).startsWith(both);
    if (alike)
      expect(await orders.drain({ container: both }, never)).toMatchObject({
        refusal: { code: 'ambiguous' },
      });
    expect(await orders.drain({ container: 'nobody' }, never)).toMatchObject({
      refusal: { code: 'not-found' },
    });
    await test.end();
  });

  it('are refused while the engine cannot say who is meant', async () => {
    const { test, orders } = await desk(fail('docker-unreachable'));
    expect(await orders.drain({ container: 'asleep' }, never)).toMatchObject({
      refusal: { code: 'not-now' },
    });
    await test.end();
    const other = await desk(fail('docker-rejected', 'multiple IDs found with provided prefix: a'));
    expect(await other.orders.drain({ container: 'a' }, never)).toMatchObject({
      refusal: { code: 'ambiguous' },
    });
    await other.test.end();
  });

  it('hold for one that does not run, and say so', async () => {
    const { test, orders } = await desk(ok(container(3)));
    expect(await orders.drain({ container: container(3).name }, never)).toMatchObject({
      value: { notes: ['It does not run; the order holds when it starts.'] },
    });
    await test.end();
  });

  it('tell what goes on: a stop, the drain of the host, a memory that cannot be written', async () => {
    const { test, orders } = await desk();
    const whom = { container: container(1).name };
    await orders.drain({ host: true }, never);
    await test.say({ type: 'stopping', id: containerId(1), signal: 'SIGTERM', at: test.clock.now() });
    orders.keptBy(() => Promise.resolve(false));
    expect(await orders.undrain(whom, never)).toMatchObject({
      value: {
        repeated: true,
        notes: [
          'It was told to stop and goes on draining for that.',
          'It stays out of rotation with the whole host; "portolan undrain --host" ends that.',
          'It could not be written to the state folder: only the registries will remember it.',
        ],
      },
    });
    await test.end();
  });
});

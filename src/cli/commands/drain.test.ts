import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestCli } from '../../../test/kit/cli.ts';
import { CONTAINER, type FakeOrders, type FakeStatus } from '../../../test/kit/status-fake.ts';
import type { OrderView } from '../../core/status.ts';

let lab: TestCli;
let source: FakeStatus;
let orders: FakeOrders;

beforeEach(async () => {
  lab = new TestCli();
  ({ source, orders } = lab);
  await lab.startAgent();
});
afterEach(async () => {
  await lab.remove();
});

const cli = async (line: string, onErr?: (text: string) => void) =>
  await lab.run(line, onErr === undefined ? {} : { onErr });

function view(acknowledged: boolean, drained = true): OrderView {
  const why = acknowledged ? undefined : 'The registry cannot be reached.';
  return {
    ...{ subject: CONTAINER.id, container: CONTAINER.name, drained, at: orders.answer.at, endpoints: 1 },
    targets: [
      { target: 'etcd://a', acknowledged: true, why: undefined },
      { target: 'etcd://b', acknowledged, why },
    ],
  };
}

describe('drain', () => {
  it('names one container or the host, and says what became of it', async () => {
    expect(await cli('drain shop-web-1')).toEqual({ code: 0, out: 'shop-web-1 is drained.\n', err: '' });
    orders.answer = { ...orders.answer, container: undefined, repeated: true, notes: ['A note.'] };
    expect((await cli('undrain --host')).out).toBe('The whole host was not drained by a command.\nA note.\n');
    expect(orders.given).toEqual([
      ['drain', { container: 'shop-web-1' }],
      ['undrain', { host: true }],
    ]);
    for (const line of ['drain', 'drain shop-web-1 --host', 'drain shop-web-1 --timeout soon'])
      expect(await cli(line)).toMatchObject({ code: 64 });
  });

  it('of a container that there is not ends with 66', async () => {
    expect(await cli('drain nobody')).toEqual({
      code: 66,
      out: '',
      err: 'portolan: The engine has no container nobody.\n',
    });
  });

  it('without an agent ends with 69', async () => {
    await lab.stopAgent();
    expect(await cli('drain shop-web-1')).toMatchObject({
      code: 69,
      err: expect.stringContaining('No agent answers') as string,
    });
  });

  it('--wait ends with 0 as soon as every target has acknowledged, and tells who is waited for', async () => {
    source.orderViews = [view(false)];
    const { code, out, err } = await cli('drain shop-web-1 --wait', () => {
      source.orderViews = [view(true)];
      source.changed();
    });
    expect({ code, out }).toEqual({
      code: 0,
      out: 'shop-web-1 is drained; every target has acknowledged it.\n',
    });
    expect(err).toBe('portolan: waiting for etcd://b: The registry cannot be reached.\n');
  });

  it('--wait ends with 75 and what is missing when the time is over', async () => {
    source.orderViews = [view(false)];
    const { code, out, err } = await cli('drain shop-web-1 --wait --timeout 300ms -o json');
    expect(code).toBe(75);
    expect(err).toContain('not acknowledged by etcd://b: The registry cannot be reached.');
    expect(JSON.parse(out)).toMatchObject({
      drained: true,
      waited: { end: 'late', missing: [{ target: 'etcd://b' }] },
    });
  });

  it('--wait ends with 76 when proxies hold the last server, and nothing else is left', async () => {
    const held = {
      target: 'edge on web-1',
      acknowledged: false,
      why: 'held: last server',
      held: true,
    } as const;
    source.orderViews = [{ ...view(true), targets: [...view(true).targets, held] }];
    expect(await cli('drain shop-web-1 --wait')).toEqual({
      code: 76,
      out: 'shop-web-1 is drained, but it serves on where it is the last server; start another, or stop it all the same.\n',
      err: 'portolan: waiting for edge on web-1: held: last server\nportolan: edge on web-1: held: last server\n',
    });
    source.orderViews = [{ ...view(false), targets: [...view(false).targets, held] }];
    expect(await cli('drain shop-web-1 --wait --timeout 300ms')).toMatchObject({ code: 75 });
  });

  it('--wait ends with 69 when the agent ends meanwhile', async () => {
    source.orderViews = [view(false)];
    const { code } = await cli('drain shop-web-1 --wait', () => {
      void lab.stopAgent();
    });
    expect(code).toBe(69);
  });

  it('--wait ends with 1 when another order came meanwhile', async () => {
    source.orderViews = [view(false, false)];
    expect(await cli('drain shop-web-1 --wait')).toMatchObject({ code: 1 });
  });

  it('undrain --wait is done when no registry has to remember anything', async () => {
    expect(await cli('undrain shop-web-1 --wait')).toMatchObject({ code: 0, err: '' });
  });
});

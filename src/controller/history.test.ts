import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../test/kit/clock.ts';
import { container, containerId, describeSimply } from '../../test/kit/containers.ts';
import type { CauseCode } from '../core/cause.ts';
import type { Phase } from '../core/endpoint.ts';
import { History, type HistoryLimits, type Told } from './history.ts';
import { historyRows, historyView } from './history-views.ts';
import type { LiveEndpoint } from './publication.ts';

const cause = (code: CauseCode, at: number) => ({ code, at, explained: true });

function live(n: number, phase: Partial<Phase> = {}): LiveEndpoint {
  const [described] = describeSimply(container(n)).endpoints;
  if (described === undefined) throw new Error('it offers nothing');
  const whole = { state: 'registered', cause: undefined, since: 0, until: undefined, offered: true } as const;
  return {
    endpoint: described.endpoint,
    phase: { ...whole, startedAt: undefined, ...phase },
    records: [],
    cause: cause('started', 0),
  };
}

function setUp(limits: Partial<HistoryLimits> = {}) {
  const clock = new VirtualClock(1000);
  const history = new History(clock, limits);
  const of = (n: number) => history.ofContainer(containerId(n)).map((one) => historyView(one, []));
  const causes = (n: number) => of(n).flatMap(({ transitions }) => transitions.map(({ reason }) => reason));
  const told = (n: number, over: Partial<Told>): void => {
    const entry = { state: 'synced', outcome: 'record created', at: clock.now() } as const;
    history.told({
      ...{ target: 'r0', endpoint: live(n).endpoint.id, key: `/services/app/c${String(n)}` },
      ...{ action: 'create', revision: '7', cause: cause('started', 1) },
      entry: { ...entry, nextTryAt: undefined, why: undefined },
      ...over,
    });
  };
  return { clock, history, of, causes, told };
}

const retrying = (at: number, nextTryAt: number) =>
  ({ state: 'retrying', outcome: 'registry-timeout', at, nextTryAt, why: 'no answer' }) as const;

describe('the history of an endpoint', () => {
  it('tells each change with its time and cause, and what the target made of it', () => {
    const { history, of, told } = setUp();
    history.moved(undefined, live(1), cause('started', 1), ['/services/app/c1']);
    told(1, {});
    const drains = live(1, { state: 'draining', cause: 'stop-signal' });
    history.moved(live(1), drains, cause('stop-signal', 2), ['/services/app/c1']);
    told(1, { action: 'update', cause: cause('stop-signal', 2), revision: '8' });
    history.moved(drains, undefined, cause('died', 3), ['/services/app/c1']);
    told(1, { action: 'delete', cause: cause('died', 3), revision: '9' });
    const [view] = of(1);
    expect(view).toMatchObject({ path: '/app/c1', container: 'c1', goneSince: 1000 });
    const wrote = { state: 'acknowledged', written: ['/services/app/c1'], withdrawn: [] };
    expect(view?.transitions).toMatchObject([
      { at: 1, state: 'registered', reason: 'started', targets: [{ ...wrote, revision: '7' }] },
      { at: 2, state: 'draining', cause: 'stop-signal', targets: [{ ...wrote, revision: '8' }] },
      { at: 3, state: 'expired', reason: 'died', targets: [{ withdrawn: ['/services/app/c1'] }] },
    ]);
  });

  it('says nothing of what changes neither phase nor records', () => {
    const { history, causes } = setUp();
    history.moved(undefined, live(1), cause('started', 1), []);
    history.moved(live(1), live(1), cause('facts-changed', 2), []);
    expect(causes(1)).toEqual(['started']);
  });

  it('counts the tries of what fails, tells when it is tried next, and forgets both when it is done', () => {
    const { history, of, told } = setUp();
    history.moved(undefined, live(1), cause('started', 1), ['/a', '/b']);
    for (const key of ['/a', '/b']) told(1, { key, action: undefined, entry: retrying(5, 9) });
    told(1, { key: '/a', action: undefined, entry: retrying(9, 17) });
    const failing = { state: 'retrying', outcome: 'registry-timeout', why: 'no answer', tries: 2 };
    expect(of(1)[0]?.transitions[0]?.targets).toMatchObject([{ ...failing, nextTryAt: 17, written: [] }]);
    for (const key of ['/a', '/b']) told(1, { key });
    const done = { state: 'acknowledged', written: ['/a', '/b'], nextTryAt: undefined, why: undefined };
    expect(of(1)[0]?.transitions[0]?.targets).toMatchObject([done]);
  });

  it('tells a repair as a change of its own, and what a list finds with the change that it belongs to', () => {
    const { history, of, told } = setUp();
    history.moved(undefined, live(1), cause('started', 1), ['/a']);
    told(1, { key: '/a', cause: cause('relisted', 4) });
    told(1, { key: '/a', cause: cause('damage-missing', 6) });
    told(1, { key: '/b', cause: cause('damage-missing', 6) });
    expect(of(1)[0]?.transitions).toMatchObject([
      { reason: 'started', targets: [{ written: ['/a'] }] },
      { reason: 'damage-missing', state: 'registered', targets: [{ written: ['/a', '/b'] }] },
    ]);
  });

  it('shows no bookkeeping', () => {
    const { history, of, told } = setUp();
    history.moved(undefined, live(1), cause('started', 1), []);
    told(1, { key: '/portolan/drains/o/x' });
    expect(of(1)[0]?.transitions[0]?.targets).toMatchObject([{ state: 'acknowledged', written: [] }]);
  });
});

describe('what is remembered', () => {
  it('is bounded for each endpoint, the oldest going first', () => {
    const { history, causes } = setUp({ each: 2 });
    history.moved(undefined, live(1), cause('started', 1), []);
    for (const code of ['not-ready', 'ready'] as const)
      history.moved(live(1), live(1), cause(code, 2), ['/a']);
    expect(causes(1)).toEqual(['not-ready', 'ready']);
  });

  it('is bounded over all: one that changes without end takes only its own', () => {
    const { history, causes } = setUp({ each: 3, total: 4 });
    history.moved(undefined, live(1), cause('started', 1), []);
    for (let n = 0; n < 50; n += 1) history.moved(live(2), live(2), cause('ready', n), ['/a']);
    expect(causes(1)).toEqual(['started']);
    expect(causes(2)).toHaveLength(3);
    history.moved(undefined, live(3), cause('started', 60), []);
    expect([causes(1), causes(3)]).toEqual([[], ['started']]);
  });

  it('outlives the container for a while, found by its name, its id, and the beginning of that', async () => {
    const { history, clock } = setUp({ goneMs: 60_000 });
    history.moved(undefined, live(1), cause('started', 1), []);
    expect(history.ofGone('c1')).toHaveLength(0);
    history.moved(live(1), undefined, cause('died', 2), []);
    for (const reference of ['c1', '/c1', containerId(1), containerId(1).slice(0, 12)])
      expect(history.ofGone(reference)).toHaveLength(1);
    await clock.advance(60_001);
    expect(history.ofGone('c1')).toHaveLength(0);
    expect(history.latest(10)).toHaveLength(0);
  });

  it('goes on where a container is restarted', () => {
    const { history, causes } = setUp({ gone: 1 });
    history.moved(undefined, live(1), cause('started', 1), []);
    history.moved(live(1), undefined, cause('died', 2), []);
    history.moved(undefined, live(1), cause('started', 3), []);
    for (const n of [2, 3]) history.moved(live(n), undefined, cause('died', 4), []);
    expect(causes(1)).toEqual(['started', 'died', 'started']);
    expect([causes(2), causes(3)]).toEqual([[], ['died']]);
  });

  it('is listed with the latest first', () => {
    const { history } = setUp();
    history.moved(undefined, live(1), cause('started', 1), []);
    history.moved(undefined, live(2), cause('started', 2), []);
    expect(historyRows(history, []).map(({ container: name }) => name)).toEqual(['c2', 'c1']);
  });
});

import { describe, expect, it } from 'vitest';
import { fail, ok } from '../../core/failure.ts';
import type { Engine } from './engine.ts';
import { SearchingEngine } from './search.ts';

const signal = new AbortController().signal;

/** A machine whose sockets come and go; each engine tells the path that it was found at. */
function machine(sockets: Readonly<Record<string, string | undefined>>) {
  const states = new Map(Object.entries(sockets));
  const closed: string[] = [];
  const away = () => Promise.resolve(fail('docker-unreachable'));
  const engine = new SearchingEngine({
    paths: ['/a', '/b', '/c'],
    probe: (path) => (states.has(path) ? states.get(path) : 'not there'),
    open: (path): Engine => ({
      negotiate: () => Promise.resolve(ok({ version: path, apiVersion: '1.41' })),
      info: () => Promise.resolve(ok({ id: path, name: undefined, root: undefined, systemTime: undefined })),
      list: away,
      inspect: away,
      networks: away,
      events: away,
      close: () => closed.push(path),
    }),
  });
  return { engine, states, closed };
}

describe('an engine that nobody named', () => {
  it('is the first whose socket may be opened', async () => {
    const { engine } = machine({ '/a': 'not allowed for this user', '/b': undefined, '/c': undefined });
    expect(await engine.info(signal)).toMatchObject({ ok: true, value: { id: '/b' } });
  });

  it('is missed with a list of what was tried, and why it was not taken', async () => {
    const { engine } = machine({ '/a': 'not allowed for this user' });
    const answer = await engine.negotiate(signal);
    expect(answer).toMatchObject({ ok: false, failure: { code: 'docker-unreachable' } });
    expect(JSON.stringify(answer)).toContain(
      '/a (not allowed for this user), /b (not there), /c (not there)',
    );
  });

  it('is found when it comes later', async () => {
    const { engine, states } = machine({});
    expect(await engine.info(signal)).toMatchObject({ ok: false });
    states.set('/c', undefined);
    expect(await engine.info(signal)).toMatchObject({ ok: true, value: { id: '/c' } });
  });

  it('is looked for again at a new connection only, and the one that is left is closed', async () => {
    const { engine, states, closed } = machine({ '/b': undefined });
    await engine.negotiate(signal);
    states.set('/a', undefined);
    expect(await engine.info(signal)).toMatchObject({ value: { id: '/b' } });
    expect(await engine.negotiate(signal)).toMatchObject({ value: { version: '/a' } });
    expect(closed).toEqual(['/b']);
  });
});

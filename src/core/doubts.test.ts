import { describe, expect, it } from 'vitest';
import { container } from '../../test/kit/containers.ts';
import type { Description } from './desired.ts';
import { doctorView, finding } from './doctor.ts';
import { doubtsOf } from './doubts.ts';
import { type ReasonCode, reason } from './reason.ts';

const WHY = 'it publishes no port';

function nothing(...codes: readonly ReasonCode[]): Description {
  return { readings: [], endpoints: [], reasons: codes.map((code) => reason(code, code)) };
}

function read(code: ReasonCode, suggestion?: string): Description {
  const reasons = [reason(code, `about ${code}`, suggestion === undefined ? {} : { suggestion })];
  return { ...nothing(), readings: [{ dialect: 'portolan', services: [], used: [], reasons }] };
}

const codes = (of: Parameters<typeof container>[1], description: Description): readonly string[] =>
  doubtsOf(container(1, of), description, WHY).map(({ code }) => code);

describe('a container that looks as if it were meant to be published', () => {
  it.each([
    [
      new Map([['traefik.enable', 'x']]),
      new Map<string, string>(),
      /has traefik\.enable, which Traefik reads/,
    ],
    [
      new Map<string, string>(),
      new Map([['VIRTUAL_HOST', 'x']]),
      /has VIRTUAL_HOST, which nginx-proxy reads/,
    ],
    [new Map([['caddy', 'x']]), new Map<string, string>(), /has caddy, which caddy-docker-proxy reads/],
    [
      new Map<string, string>(),
      new Map([['SERVICE_80_NAME', 'x']]),
      /has SERVICE_80_NAME, which Registrator/,
    ],
    [new Map<string, string>(), new Map([['ANNOUNCE_PATH', 'x']]), /has ANNOUNCE_PATH, which the announce/],
  ])('has metadata that nobody reads: %o %o', (labels, env, what) => {
    const found = doubtsOf(container(1, { labels, env }), nothing(), WHY);
    expect(found).toMatchObject([
      { code: 'container-foreign', severity: 'warning', subject: 'container c1' },
    ]);
    expect(found[0]?.what).toMatch(what);
    expect(found[0]?.what).toContain(WHY);
  });

  it('shows no value of a label or a variable', () => {
    const env = new Map([['VIRTUAL_HOST', 'hunter2']]);
    expect(JSON.stringify(doubtsOf(container(1, { env }), nothing(), WHY))).not.toContain('hunter2');
  });

  it('has a misspelt label, or one with a wrong value', () => {
    expect(codes({}, read('unknown-key', 'portolan.port'))).toEqual(['container-misspelt']);
    expect(codes({}, read('bad-value'))).toEqual(['container-metadata']);
    expect(codes({}, read('unknown-key'))).toEqual([]);
  });

  it('is bound to this host alone, or publishes nothing', () => {
    expect(codes({}, nothing('loopback-only'))).toEqual(['container-loopback']);
    expect(codes({}, nothing('unpublished-port'))).toEqual(['container-unpublished']);
    expect(codes({}, nothing('disabled'))).toEqual([]);
  });

  it('is not one that does not run', () => {
    expect(codes({ state: 'exited' }, nothing('loopback-only'))).toEqual([]);
  });
});

it('what was found comes with the gravest first, counted, each with its remedy', () => {
  const found = [
    finding('engine-answers', 'engine', 'is well'),
    finding('engine-clock', 'engine', 'is late'),
    finding('registry-full', 'registry a', 'is full'),
  ];
  const view = doctorView('1', found);
  expect(view).toMatchObject({ errors: 1, warnings: 1 });
  expect(view.findings.map(({ severity }) => severity)).toEqual(['error', 'warning', 'info']);
  expect(view.findings.map(({ remedy }) => remedy === undefined)).toEqual([false, false, true]);
});

import { describe, expect, it } from 'vitest';
import { compareValues, countChanges, renderPlan } from './diff.ts';
import { failure } from './failure.ts';
import type { PlanLine, PlanView } from './status.ts';

const line = (action: PlanLine['action'], key: string, more: Partial<PlanLine> = {}): PlanLine => ({
  action,
  key,
  before: undefined,
  after: undefined,
  reason: 'the container started',
  ...more,
});

const NOTHING = { lines: [], reload: undefined, commands: [], files: [] } as const;

const VIEW: PlanView = {
  targets: [
    {
      target: 'etcd://a:2379',
      failure: undefined,
      lines: [
        line('create', '/services/web/1', { after: '{"ID":"1"}' }),
        line('update', '/services/web/2', {
          before: '{"ID":"2","state":"registered","tags":["a"],"at":{"ip":"10.0.0.1","port":1}}',
          after:
            '{"ID":"2","state":"draining","cause":"stop-signal","tags":["a"],"at":{"ip":"10.0.0.2","port":1}}',
          reason: 'the container was told to stop',
        }),
        line('delete', '/services/web/3', { before: '{"ID":"3"}', reason: 'the container died' }),
        line('forget', '/services/web/4', { reason: 'somebody else keeps this key; we gave way' }),
        line('leave', '/services/web/5', {
          before: '{"who":"them"}',
          reason: 'somebody else created the record at this key',
        }),
      ],
    },
    { target: 'etcd://b:2379', failure: failure('registry-unreachable', 'connection refused'), lines: [] },
    { target: 'memory://', failure: undefined, lines: [] },
  ],
  proxies: [
    {
      proxy: 'edge',
      failure: undefined,
      lines: [
        line('create', 'pool-000/one', {
          after: '10.0.0.1:80 weight 100 ready',
          reason: 'registered: /services/web/1',
        }),
        line('update', 'reload', { reason: '/api needs a backend of its own' }),
      ],
      reload: '/api needs a backend of its own',
      commands: ['add server pool-000/one 10.0.0.1:80 weight 100', 'enable server pool-000/one'],
      files: [
        {
          name: 'maps/hosts.map',
          diff: '--- maps/hosts.map\n+++ maps/hosts.map\n@@ -1,2 +1,2 @@\n a b\n-c d\n+e f\n',
        },
      ],
    },
    { proxy: 'inner', failure: failure('proxy-unreachable', 'ENOENT'), ...NOTHING },
    { proxy: 'outer', failure: undefined, ...NOTHING },
  ],
};

const GOLDEN = `etcd://a:2379
  + create       /services/web/1  # the container started
      {"ID":"1"}
  ~ update       /services/web/2  # the container was told to stop
      state: "registered" -> "draining"
      at.ip: "10.0.0.1" -> "10.0.0.2"
      cause: (none) -> "stop-signal"
  - delete       /services/web/3  # the container died
  ~ forget       /services/web/4  # somebody else keeps this key; we gave way
  = leave alone  /services/web/5  # somebody else created the record at this key
  Plan: 1 to create, 1 to update, 1 to delete, 1 to forget, 1 left alone.

etcd://b:2379
  ! cannot be observed: The registry cannot be reached. (connection refused) [registry-unreachable]

memory://
  No changes.

proxy edge
  + create       pool-000/one  # registered: /services/web/1
      10.0.0.1:80 weight 100 ready
  ~ update       reload  # /api needs a backend of its own
  Run-time commands:
      add server pool-000/one 10.0.0.1:80 weight 100
      enable server pool-000/one
  Files:
      --- maps/hosts.map
      +++ maps/hosts.map
      @@ -1,2 +1,2 @@
       a b
      -c d
      +e f
  Plan: 1 to create, 1 to update, 1 file to write.

proxy inner
  ! cannot be observed: The proxy does not answer on its admin socket. (ENOENT) [proxy-unreachable]

proxy outer
  No changes.
`;

describe('a plan as text', () => {
  it('is grouped by target, each change and each record left alone with its reason', () => {
    expect(renderPlan(VIEW)).toBe(GOLDEN);
  });

  it('is painted by action', () => {
    const painted = renderPlan(VIEW, (style, text) => `<${style}>${text}</>`);
    expect(painted).toContain('<create>+ create     </>');
    expect(painted).toContain('<delete>- delete     </>');
    expect(painted).toContain('<failure>! cannot be observed');
    expect(painted.replaceAll(/<[a-z/]*>/g, '')).toBe(GOLDEN);
  });

  it('lets nothing from a registry reach the terminal', () => {
    const lines = [
      line('leave', '/a\u001b[2J', { reason: 'x\u009b' }),
      line('update', '/b', { before: '\u001b', after: '\n' }),
    ];
    const text = renderPlan({
      targets: [{ target: 't\u0007', failure: undefined, lines }],
      proxies: [
        {
          ...{ proxy: 'p\u0007', failure: undefined, reload: undefined, lines, commands: ['\u001b'] },
          files: [{ name: 'x', diff: '+\u001b\n' }],
        },
      ],
    });

    expect(text.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  });

  it('counts changes, and records left alone as none', () => {
    expect(countChanges(VIEW)).toBe(7);
    expect(
      renderPlan({
        targets: [{ target: 't', failure: undefined, lines: [line('leave', '/a')] }],
        proxies: [],
      }),
    ).toContain('No changes: 1 left alone.');
  });

  it('says so when there is nothing to compare with', () => {
    expect(renderPlan({ targets: [], proxies: [] })).toBe('There is no registry to compare with.\n');
  });
});

describe('the difference of two values', () => {
  it('is shown as a whole when one of them is not JSON', () => {
    expect(compareValues('plain', '{"a":1}')).toEqual(['plain -> {"a":1}']);
    expect(compareValues('[1]', '[2]')).toEqual(['[1] -> [2]']);
  });

  it('tells when only the writing differs', () => {
    expect(compareValues('{"a":1}', '{ "a": 1 }')).toEqual(['the same fields, written differently']);
  });

  it('tells a field that went away', () => {
    expect(compareValues('{"a":1,"b":[1,2]}', '{"a":1}')).toEqual(['b: [1,2] -> (none)']);
  });
});

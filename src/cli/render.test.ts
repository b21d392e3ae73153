import { describe, expect, it } from 'vitest';
import {
  CONTAINER,
  HISTORY,
  HOST,
  ORPHAN,
  PROXY,
  RECORD,
  ROUTE,
  SERVICE,
  UNSEEN,
} from '../../test/kit/status-fake.ts';
import { PLAIN } from '../core/diff.ts';
import type { TargetOutcomeView } from '../core/history.ts';
import type { ExplainView } from '../core/status.ts';
import { renderExplain } from './explain-text.ts';
import { renderList } from './lists.ts';
import { toJson, toJsonLine, toYaml } from './structured.ts';
import { renderTable } from './table.ts';
import { span } from './time.ts';

const NOW = 1_000_000 + 185_000;

const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/;

describe('a span of time', () => {
  it.each([
    [-5, '0s'],
    [999, '0s'],
    [119_000, '119s'],
    [120_000, '2m'],
    [7_199_000, '119m'],
    [7_200_000, '2h'],
    [7_860_000, '2h11m'],
    [172_800_000, '2d'],
  ])('%d ms is %s', (ms, text) => {
    expect(span(ms)).toBe(text);
  });
});

describe('a table', () => {
  const columns = [
    { title: 'A', cell: ({ a }: { a: string }) => a, max: 5 },
    { title: 'B', cell: () => 'b' },
    { title: 'WIDE', cell: () => 'more', wide: true as const },
  ];

  it('is aligned, cuts long cells, and shows an empty one as -', () => {
    expect(renderTable(columns, [{ a: '1234567' }, { a: '' }], false)).toBe('A      B\n1234…  b\n-      b\n');
  });

  it('shows everything when it is wide', () => {
    expect(renderTable(columns, [{ a: '1234567' }], true)).toBe('A        B  WIDE\n1234567  b  more\n');
  });

  it('writes out control characters from outside', () => {
    expect(renderTable(columns, [{ a: '\u001b[2J\n' }], true)).toContain('\\x1b[2J\\x0a  b');
  });
});

describe('the lists', () => {
  it('show services with state, cause, age, and why health keeps them out', () => {
    const draining = { ...SERVICE, state: 'draining', cause: 'stop-signal', path: '/b' } as const;
    const why = 'its probe fails: refused';
    const failing = { ...SERVICE, state: 'announced', path: '/c', why } as const;
    const flapping = { ...failing, path: '/d', why: 'too often', outUntil: NOW + 42_000 } as const;
    const rows = [SERVICE, draining, failing, flapping];
    expect(renderList('services', rows, false, NOW)).toBe(
      `PATH       TYPE  ADDRESS         CONTAINER   STATE                   SINCE  WHY NOT
/shop/web  HTTP  10.0.0.5:32768  shop-web-1  registered              3m     -
/b         HTTP  10.0.0.5:32768  shop-web-1  draining (stop-signal)  3m     -
/c         HTTP  10.0.0.5:32768  shop-web-1  announced               3m     its probe fails: refused
/d         HTTP  10.0.0.5:32768  shop-web-1  announced               3m     too often (42s more)
`,
    );
  });

  it('show containers with the reason for which nothing is published', () => {
    const silent = { ...CONTAINER, name: 'db', services: 0, published: false, why: 'it publishes no port' };
    expect(renderList('containers', [CONTAINER, silent], false, NOW)).toBe(
      `NAME        ID            IMAGE       STATE    HEALTH   SERVICES  WHY NOT
shop-web-1  0ce60d000eac  shop/web:1  running  healthy  1         -
db          0ce60d000eac  shop/web:1  running  healthy  0         it publishes no port
`,
    );
  });

  it('show hosts and records', () => {
    expect(renderList('hosts', [HOST], false, NOW)).toBe(
      `OWNER   NAME            ADDRESSES  VERSION  STATE  UP  LOST  SELF  DRAINED  REGISTRY
host-a  host-a.example  10.0.0.5   0.1.0    alive  3m  -     yes   no       memory://
`,
    );
    const lost = renderList('hosts', [{ ...HOST, state: 'lost', lostSince: NOW - 40_000 }], false, NOW);
    expect(lost).toContain('lost   -   40s   yes');
    expect(renderList('orphans', [ORPHAN], true, NOW)).toContain('the lost host created it');
    const retrying = { ...RECORD, state: 'retrying', nextTryAt: NOW + 4000, why: 'timeout' };
    expect(renderList('records', [retrying], false, NOW)).toBe(
      `KEY                              STATE     REVISION  LAST OUTCOME    NEXT TRY  REGISTRY   WHY
/services/shop/web/0ce60d000eac  retrying  12        created 3m ago  in 4s     memory://  timeout
`,
    );
  });

  it('show proxies, and what each of them serves', () => {
    const lagging = { ...PROXY, state: 'lagging', why: 'its admin socket does not answer' } as const;
    expect(renderList('proxies', [PROXY, lagging], false, NOW)).toBe(
      `NAME  STATE      SINCE  VERSION  SERVICES  SERVERS  RELOADS  COMMANDS  WHY NOT                           LAST RELOAD  REGISTRY
edge  converged  3m     3.0.11   1         1        0        12        -                                 -            memory://
edge  lagging    3m     3.0.11   1         1        0        12        its admin socket does not answer  -            memory://
`,
    );
    const reloaded = { ...PROXY, reloads: 1, lastReload: '/a needs a backend', lastReloadAt: NOW - 180_000 };
    expect(renderList('proxies', [reloaded], false, NOW)).toContain('3m ago: /a needs a backend');
    expect(renderList('routes', [ROUTE], true, NOW)).toBe(
      `PATH       HOSTS         SERVER        ADDRESS         WEIGHT  STATE  RECORD      SESSIONS  SINCE  PROXY  NOTES  BACKEND
/shop/web  shop.example  0ce60d000eac  10.0.0.5:32768  100     up     registered  2         3m     edge   -      pool-000
`,
    );
  });

  it('say so when they are empty', () => {
    expect(renderList('services', [], false, NOW)).toBe('No services.\n');
  });
});

const EXPLAINED: ExplainView = {
  history: [],
  orders: [],
  proxies: [],
  reference: 'shop-web-1',
  seen: true,
  container: {
    id: CONTAINER.id,
    name: 'shop-web-1',
    hostname: '0ce60d000eac',
    image: 'shop/web:1',
    createdAt: 0,
    startedAt: '2026-01-01T00:00:00Z',
    state: 'running',
    health: 'healthy',
    networkMode: 'bridge',
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 10_000,
    provisional: false,
  },
  published: true,
  summary: 'shop-web-1 offers 1 endpoint',
  dialects: [
    {
      dialect: 'portolan',
      services: [
        {
          dialect: 'portolan',
          path: ['shop', 'web'],
          port: 8080,
          protocol: 'tcp',
          type: 'HTTP',
          tags: [],
          weight: undefined,
          address: undefined,
          network: undefined,
          family: undefined,
        },
      ],
      used: [{ from: 'label', key: 'portolan.path', meaning: 'the path' }],
      reasons: [
        {
          code: 'unknown-key',
          message: 'portolan.tgas is no label',
          about: 'portolan.tgas',
          suggestion: 'portolan.tags',
        },
      ],
    },
    {
      dialect: 'announce',
      services: [],
      used: [],
      reasons: [{ code: 'dialect-absent', message: 'no ANNOUNCE_PATH' }],
    },
  ],
  reasons: [{ code: 'swarm-ingress', message: 'is left out', about: 'port 9090' }],
  endpoints: [
    {
      service: SERVICE,
      address: { code: 'address-chosen', message: 'published at 10.0.0.5' },
      probe: undefined,
      records: [
        RECORD,
        {
          ...RECORD,
          target: 'etcd://a',
          state: 'conflict',
          revision: undefined,
          lastOutcome: undefined,
          why: 'somebody else has it',
        },
      ],
    },
  ],
};

describe('explain', () => {
  it('tells the whole story and ends with one sentence', () => {
    expect(renderExplain(EXPLAINED, NOW, PLAIN)).toBe(`Container
  name      shop-web-1
  id        0ce60d000eac
  image     shop/web:1
  state     running, healthy
  started   2026-01-01T00:00:00Z
  network   bridge
  stops by  SIGTERM, killed after 10s

Dialects
  portolan    /shop/web from 8080/tcp (HTTP)
    used      label portolan.path: the path
    misspelt  portolan.tgas is no label; did you mean portolan.tags?
  announce    no service
    note      no ANNOUNCE_PATH

Address
  /shop/web 10.0.0.5:32768  published at 10.0.0.5
  left out                  port 9090: is left out

State
  /shop/web 10.0.0.5:32768  registered, since 3m

Records
  memory://  /services/shop/web/0ce60d000eac  synced, revision 12, last created 3m ago
  etcd://a   /services/shop/web/0ce60d000eac  conflict, not in the registry
    why      somebody else has it

shop-web-1 offers 1 endpoint
`);
  });

  it('tells which proxy serves it, and why another does not', () => {
    const { notes, why, ...route } = ROUTE;
    const served = { ...route, address: SERVICE.address, served: true, why: [] };
    const absent = {
      ...served,
      proxy: 'inner',
      backend: undefined,
      state: 'not served',
      why: ['its type is TCP'],
    };
    expect([notes, why]).toEqual([[], 'registered']);
    expect(renderExplain({ ...EXPLAINED, proxies: [served, absent] }, NOW, PLAIN)).toContain(`
Proxies
  edge   /shop/web 10.0.0.5:32768: up at shop.example as pool-000/0ce60d000eac, weight 100, 2 sessions, since 3m
  inner  /shop/web 10.0.0.5:32768: not served
    why  its type is TCP
`);
  });

  it('says that a container announces itself, and what is waited for', () => {
    const key = '/announce/shop/web/0ce60d000eac';
    const endpoints = EXPLAINED.endpoints.map((one) => ({
      ...one,
      service: { ...one.service, announcement: key, why: `no announcement at ${key} yet` },
    }));
    const text = renderExplain({ ...EXPLAINED, endpoints }, NOW, PLAIN);
    expect(text).toMatch(new RegExp(`^ {4}announced +by the container itself, at ${key}$`, 'm'));
    expect(text).toContain(`no announcement at ${key} yet\n`);
    const rows = endpoints.map(({ service }) => service);
    expect(renderList('services', rows, true, NOW)).toMatch(/ANNOUNCED BY[^]*container/);
  });

  it('works for a container that is not published, and says why', () => {
    const reasons = [{ code: 'not-running' as const, message: 'it does not run' }];
    const text = renderExplain(
      { ...EXPLAINED, published: false, reasons, endpoints: [], summary: 'not published' },
      NOW,
      PLAIN,
    );
    expect(text).toContain('  left out  it does not run\n');
    expect(text).toContain('Records\n    none\n');
    expect(text.endsWith('\nnot published\n')).toBe(true);
  });

  it('ends with what happened lately, also of what is gone', () => {
    const { at, state, cause, reason, targets, ...of } = HISTORY;
    const failing: TargetOutcomeView = {
      ...{ target: 'etcd://a', state: 'retrying', written: [], withdrawn: [], at, revision: undefined },
      ...{ outcome: 'registry-timeout', why: 'no answer', tries: 3, nextTryAt: NOW + 4000 },
    };
    const withdrew: TargetOutcomeView = {
      ...failing,
      ...{ target: 'memory://', state: 'acknowledged', withdrawn: ['/services/a'], revision: '13', at: NOW },
    };
    const died = { at: NOW - 2000, state: 'expired', cause: undefined, reason: 'died' } as const;
    const transitions = [
      { at, state, cause, reason, targets },
      { ...died, targets: [withdrew, failing] },
    ];
    const history = [{ ...of, goneSince: NOW - 2000, transitions }];
    const text = `History
  /shop/web 10.0.0.5:32768  of shop-web-1 (0ce60d000eac), gone since 2s
    3m ago                  registered: the container started
      memory://             wrote /services/shop/web/0ce60d000eac, acknowledged after 4ms (revision 12)
    2s ago                  expired: the container died
      memory://             withdrew /services/a, acknowledged after 2s (revision 13)
      etcd://a              retrying: no answer, tried 3 times, next try in 4s
`;
    expect(renderExplain({ ...EXPLAINED, history }, NOW, PLAIN)).toContain(`\n\n${text}\nshop-web-1 offers`);
    expect(renderExplain({ ...UNSEEN, history }, NOW, PLAIN)).toBe(`${text}\n${UNSEEN.summary}\n`);
    const row = renderList('history', [HISTORY], false, NOW);
    expect(row).toMatch(/^AGO +PATH .*\n3m +\/shop\/web .*registered +the container started +memory/);
  });

  it('of what the engine does not have is one sentence', () => {
    expect(renderExplain(UNSEEN, NOW, PLAIN)).toBe('nothing: the engine has no such container\n');
  });

  it('lets nothing from a container reach the terminal', () => {
    const hostile = JSON.parse(
      JSON.stringify(EXPLAINED).replaceAll('shop', 'shop\\u001b[2J\\u009b\\u202e'),
    ) as ExplainView;
    expect(renderExplain(hostile, NOW, PLAIN)).not.toMatch(CONTROL);
  });
});

describe('structured output', () => {
  const hostile = { a: 'x\u009b\u202e', 'k\u009b': ['\u001b[2J', 'line\nline'], fine: 'größe' };

  it('as JSON is the same value, safe on a terminal', () => {
    for (const text of [toJson(hostile), toJsonLine(hostile)]) {
      expect(JSON.parse(text)).toEqual(hostile);
      expect(text).not.toMatch(CONTROL);
    }
    expect(toJsonLine(hostile).trimEnd()).not.toContain('\n');
  });

  it('as YAML is the same value, safe on a terminal', async () => {
    const { parse } = await import('yaml');
    for (const value of [hostile, { plain: 'größe', n: [1, null, 'yes'] }, []]) {
      expect(parse(toYaml(value))).toEqual(value);
      expect(toYaml(value)).not.toMatch(CONTROL);
    }
    expect(toYaml({ a: 'text' })).toBe('a: text\n');
  });
});

import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { type Given, load } from '../../test/kit/config.ts';
import { checkPrototypes, hostileText, nearly, PROTOTYPE_NAMES, runs } from '../../test/kit/fuzz.ts';
import { hostileJson } from '../../test/kit/hostile-json.ts';
import type { Loaded } from './load.ts';
import { shownSettings } from './print.ts';
import { formatProblem, type Problem } from './problem.ts';
import { LEAVES, SETTINGS, type Setting } from './settings.ts';

/** Secrets are made of it; nothing else is. */
const CANARY = 'hunter2zq';
/** A password of digits is a number to YAML. */
const DIGITS = 9_021_077_799;
const secret = fc.oneof(
  fc.constant(CANARY),
  nearly(fc.constant(`${CANARY}${CANARY}`)),
  fc
    .constantFrom('*', '&', '!', '%', '@', '`', '"', "'", '[', '{', '|', '- ', '? ', '#')
    .map((mark) => mark + CANARY),
);

/** Values that some setting takes. */
const RIGHT = [
  ...[
    'true',
    'no',
    '5s',
    '90m',
    '2ms:20ms',
    'sync',
    'create-only',
    'none',
    'announce',
    'services,hosts',
    'off',
  ],
  ...['127.0.0.1:0', '[::1]:80', ':7979', 'etcd://a:1', 'etcds://a,b:2', 'memory://', '/x/y', 'iface:eth0'],
  ...[
    'cidr:10.0.0.0/8',
    '10.0.0.1',
    'ipv6',
    'container',
    'debug',
    'json',
    'host-1',
    'unix:///run/docker.sock',
  ],
];
const text = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...RIGHT) },
  { weight: 2, arbitrary: nearly(fc.constantFrom(...RIGHT)) },
  hostileText,
);
const isSecret = ({ meta }: Setting): boolean => meta.secret === true;
const textFor = (setting: Setting): fc.Arbitrary<string> =>
  isSecret(setting) ? secret : setting.kind === 'registries' ? registry : text;
/** A password in the right place, in a URL that may be wrong elsewhere. */
const registry = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('etcd', 'etcds', 'http', 'etdc', ''),
      secret,
      fc.constantFrom('a:1', 'a', 'a:99999', '', 'a,b'),
    )
    .map(([scheme, password, host]) => `${scheme}://user:${password}@${host}`),
  text,
);

const byNames = (names: (setting: Setting) => readonly string[]): fc.Arbitrary<Record<string, string>> =>
  fc
    .array(
      fc
        .constantFrom(...SETTINGS.filter((setting) => names(setting).length > 0))
        .chain((setting) => fc.tuple(fc.constantFrom(...names(setting)), textFor(setting))),
      { maxLength: 6 },
    )
    .map((entries) => Object.fromEntries(entries));
const env = fc
  .tuple(
    byNames((setting) => setting.env),
    fc.dictionary(
      fc.oneof(
        hostileText.map((name) => `PORTOLAN_${name}`),
        fc.constant('__proto__'),
      ),
      secret,
      {
        maxKeys: 2,
      },
    ),
  )
  .map(([known, strange]) => ({ ...strange, ...known }));
const flags = byNames(({ path, flag }) => (flag === undefined ? [] : [path]));

const entry = fc.oneof(
  registry,
  fc.record(
    {
      url: registry,
      name: text,
      username: text,
      password: fc.oneof(secret, fc.constantFrom<unknown>([CANARY], { [CANARY]: 1 }, null, DIGITS)),
      passwordFile: fc.constantFrom('/secret', '/missing', ''),
      tls: fc.oneof(fc.record({ ca: text, key: text }, { requiredKeys: [] }), text),
      policy: text,
    },
    { requiredKeys: [] },
  ),
  hostileJson,
);
const valueFor = (setting: Setting): fc.Arbitrary<unknown> => {
  if (isSecret(setting))
    return fc.oneof(secret, fc.constantFrom<unknown>([CANARY], { [CANARY]: CANARY }, DIGITS));
  if (setting.kind === 'registries') return fc.oneof(fc.array(entry, { maxLength: 3 }), registry);
  return fc.oneof(text, fc.array(text, { maxLength: 2 }), fc.boolean(), hostileJson);
};

/** A file made of the real names, with a few that are none. */
const tree = fc
  .array(
    fc.oneof(
      {
        weight: 6,
        arbitrary: fc
          .constantFrom(...LEAVES.values())
          .chain((it) => fc.tuple(fc.constant(it.keys), valueFor(it))),
      },
      fc.tuple(
        fc.array(
          fc.oneof(fc.constantFrom('etcd', 'http', 'layouts', 'log', ...PROTOTYPE_NAMES), hostileText),
          {
            minLength: 1,
            maxLength: 3,
          },
        ),
        hostileJson,
      ),
    ),
    { maxLength: 5 },
  )
  .map((entries) => {
    const root: Record<string, unknown> = {};
    for (const [keys, value] of entries) plant(root, keys, value);
    return root;
  });

function plant(root: Record<string, unknown>, keys: readonly string[], value: unknown): void {
  const [first = '', ...rest] = keys;
  const inner: unknown = Object.hasOwn(root, first) ? root[first] : undefined;
  const next = typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? { ...inner } : {};
  if (rest.length > 0) plant(next, rest, value);
  Object.defineProperty(root, first, {
    value: rest.length === 0 ? value : next,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

function checkProblem(problem: Problem): void {
  const { origin, setting, what, remedy } = problem;
  const line = formatProblem(problem);
  // It names the place: a file, a variable or a flag, or at least the setting.
  assert.ok(origin.type !== 'default' || setting !== '', line);
  assert.match(what, /\S/);
  assert.match(remedy, /\S/);
  assert.doesNotMatch(line, /\n {4}at |node_modules|\.ts:\d/);
  assert.ok(line.length < 1500, `${line.length} characters: ${line.slice(0, 200)}`);
  assert.ok(!line.includes(CANARY) && !line.includes(String(DIGITS)), line);
}

function checkLoaded(loaded: Loaded): void {
  checkPrototypes();
  loaded.warnings.forEach(checkProblem);
  if (!loaded.ok) {
    assert.ok(loaded.problems.length > 0);
    loaded.problems.forEach(checkProblem);
    return;
  }
  const { config, origins, given } = loaded;
  assert.deepEqual([...origins.keys()], [...LEAVES.keys()]);
  assert.ok(config.registries.length > 0);
  assert.ok(Number.isFinite(config.resync) && config.resync >= 1000);
  for (const { prefix } of Object.values(config.layouts))
    assert.match(prefix, /^\/(?!portolan\/)(?:[^/\s]+\/)+$/);
  const shown =
    JSON.stringify(shownSettings(given, {})) + JSON.stringify(config) + inspect(config, { depth: 9 });
  assert.ok(!shown.includes(CANARY), shown);
}

const files = { '/secret': `${CANARY}\n` };

describe('the configuration', () => {
  it('from a hostile file, environment and command line is sound, or every error names place and remedy', () => {
    fc.assert(
      fc.property(tree, env, flags, (yaml, variables, given) => {
        checkLoaded(load({ yaml: JSON.stringify(yaml), env: variables, flags: given, files }));
      }),
      runs(1200),
    );
  });

  it('never shows a secret that stands in the file as nobody would write it', () => {
    const around = fc.constantFrom<(password: string) => string>(
      (password) => `etcd:\n  password: ${password}\n  username: u\n`,
      (password) => `etcd: { username: u, password: ${password} }`,
      (password) => `etcd: { password:${password} }`,
      (password) => `etcd:\n  password:${password}\n`,
      (password) => `registries:\n  - url: etcd://a\n    password: ${password}\n    username: u\n`,
      (password) => `registries:\n  - etcd://user:${password}@a\n`,
      (password) => `registries: [ etcd://user:${password}@a ]`,
      (password) => `registries: etcd://user:${password}@a\n`,
    );
    // A comma ends a value between braces, and what follows is a key: keys that are unknown are shown.
    fc.assert(
      fc.property(
        around,
        secret.map((password) => password.replace(',', ';')),
        (write, password) => {
          checkLoaded(load({ yaml: write(password) }));
        },
      ),
      runs(1200),
    );
  });

  it('from text that is hardly YAML is an error of one line, or a configuration', () => {
    const scrap = fc
      .array(
        fc.oneof(
          fc.constantFrom(...Array.from(':\n-{}[]&*<!"#|>%?,\t \r\0')),
          fc.constantFrom('log', '---', 'a', '<<: '),
          hostileText,
        ),
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(scrap, (yaml) => {
        checkLoaded(load({ yaml }));
      }),
      runs(600),
    );
  });
});

/** Values that are right, two different ones for each setting. */
const PAIRS: Readonly<Record<string, readonly [string, string]>> = {
  policy: ['sync', 'create-only'],
  resync: ['10s', '20s'],
  drainTime: ['1s', '2s'],
  leaseTtl: ['10s', '20s'],
  handover: ['10s', '20s'],
  address: ['host', 'container'],
  family: ['ipv4', 'ipv6'],
  'log.level': ['debug', 'warn'],
  'log.format': ['json', 'pretty'],
  'docker.host': ['tcp://a:1', 'tcp://b:1'],
  network: ['one', 'two'],
};

describe('precedence', () => {
  const names = Object.keys(PAIRS);
  const layer = fc.dictionary(fc.constantFrom(...names), fc.constantFrom(0 as const, 1 as const));
  const chosen = (from: Readonly<Record<string, 0 | 1>>): [string, string][] =>
    Object.entries(from).flatMap(([name, index]) => {
      const pair = PAIRS[name];
      return pair === undefined ? [] : [[name, pair[index]] as [string, string]];
    });
  const envName = (path: string): string => LEAVES.get(path)?.env[0] ?? path;

  it('lets a flag outrank the environment, that the file, and that the default, for each setting alone', () => {
    fc.assert(
      fc.property(layer, layer, layer, (inFile, inEnv, inFlags) => {
        const yaml = chosen(inFile).map(([path, value]) => {
          const keys = path.split('.');
          return keys.length === 1 ? { [path]: value } : { [keys[0] ?? '']: { [keys[1] ?? '']: value } };
        });
        const given: Given = {
          yaml: JSON.stringify(yaml.reduce<Record<string, unknown>>(merged, {})),
          env: Object.fromEntries(chosen(inEnv).map(([path, value]) => [envName(path), value])),
          flags: Object.fromEntries(chosen(inFlags)),
        };
        const loaded = load(given);
        assert.ok(loaded.ok);
        const top = new Map([...chosen(inFile), ...chosen(inEnv), ...chosen(inFlags)]);
        for (const path of names) {
          assert.equal(loaded.given.get(path)?.value, top.get(path), path);
          const from = Object.hasOwn(inFlags, path) ? 'flag' : Object.hasOwn(inEnv, path) ? 'env' : 'file';
          assert.equal(loaded.origins.get(path)?.type, top.has(path) ? from : 'default', path);
        }
      }),
      runs(300),
    );
  });
});

function merged(a: Record<string, unknown>, b: Record<string, unknown>): Record<string, unknown> {
  const both = { ...a };
  for (const [key, value] of Object.entries(b))
    both[key] = typeof value === 'object' ? { ...(both[key] as object | undefined), ...value } : value;
  return both;
}

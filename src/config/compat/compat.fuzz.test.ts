import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { load } from '../../../test/kit/config.ts';
import { checkPrototypes, hostileText, nearly, runs } from '../../../test/kit/fuzz.ts';
import { hostileJson } from '../../../test/kit/hostile-json.ts';
import { shownSettings } from '../print.ts';
import { formatProblem } from '../problem.ts';
import { OLD_FLAGS, OLD_NAMES, SUPERSEDED } from './names.ts';

const CANARY = 'hunter2zq';

const text = fc.oneof(
  fc.constantFrom(
    '3000',
    '12000',
    'ttl',
    'info',
    'fury',
    '10.0.0.1',
    '/services',
    '/run/docker.sock',
    'true',
  ),
  nearly(fc.constantFrom('12000', 'service:PORT environment:NAME', 'etcd://a:4001', '/services')),
  hostileText,
);
/** A password in the right place, in a URL that may be wrong elsewhere. */
const registryWith = (password: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.constantFrom('etcd', 'etcds', 'consul', 'etdc', ''),
      password,
      fc.constantFrom('a:4001', 'a', 'a:99999', '', 'a,b'),
    )
    .map(([scheme, word, host]) => `${scheme}://user:${word}@${host}`);
const misplaced = fc.oneof(text, registryWith(fc.constant(CANARY)));
const registry = registryWith(fc.oneof(fc.constant(CANARY + 'x'.repeat(300)), nearly(fc.constant(CANARY))));
const valueOf = (name: string): fc.Arbitrary<string> =>
  /^(?:backend|-B)$/i.test(name) ? fc.oneof(registry, text) : misplaced;
const pairs = (...names: readonly string[]): fc.Arbitrary<[string, string][]> =>
  fc.array(fc.constantFrom(...names).chain((name) => fc.tuple(fc.constant(name), valueOf(name))));
const keys = [...OLD_NAMES.map(({ key }) => key), ...SUPERSEDED.keys(), '__proto__', 'statsd'];
const variables = OLD_NAMES.flatMap(({ env }) => (env === undefined ? [] : [env]));

const yaml = fc
  .tuple(pairs(...keys), fc.array(fc.tuple(fc.constantFrom(...keys), hostileJson), { maxLength: 2 }))
  .map((entries) => JSON.stringify(Object.fromEntries(entries.flat())));
const env = pairs(...variables).map((entries) => Object.fromEntries(entries));
const lines = pairs(...keys, ...variables, 'PORTOLAN_RESYNC', 'x y').map((entries) =>
  entries.map(([key, given]) => `${key.toUpperCase()}=${given}`).join('\n'),
);
const flags = pairs(...OLD_FLAGS.map(({ short }) => short)).map((entries) => Object.fromEntries(entries));

describe('the settings of service-registrar', () => {
  it('from hostile sources make a sound configuration, or errors with place and remedy, and show no password', () => {
    const both = fc.constantFrom('service-registrar', 'none');
    fc.assert(
      fc.property(both, yaml, env, lines, flags, (compat, file, given, told, typed) => {
        const oldFlags = { ...typed, ...('-e' in typed ? { '-e': '/e' } : {}) };
        const files = { '/e': told };
        const loaded = load({ yaml: file, env: { ...given, PORTOLAN_COMPAT: compat }, oldFlags, files });
        checkPrototypes();
        const found = [...loaded.warnings, ...(loaded.ok ? loaded.notes : loaded.problems)];
        for (const problem of found) {
          assert.match(problem.remedy, /\S/);
          const line = formatProblem(problem);
          assert.ok(problem.origin.type !== 'default' || problem.setting !== '', line);
          assert.ok(line.length < 1500 && !line.includes(CANARY), line);
        }
        if (!loaded.ok) return;
        const { config } = loaded;
        assert.ok(config.resync >= 1000 && config.leaseTtl >= 5000 && config.leaseTtl <= 3_600_000);
        const shown = JSON.stringify([config, shownSettings(loaded.given, {})]);
        // Whoever gives a URL for a name has it shown; a registry's own is never.
        assert.ok(compat === 'none' || !JSON.stringify(config.registries).includes(CANARY), shown);
      }),
      runs(1000),
    );
  });
});

import type { Config } from '../config/config.ts';
import type { Layout } from '../core/layout.ts';
import type { Dialect, DialectName } from '../core/service.ts';
import { announceDialect } from '../dialect/announce.ts';
import { portolanDialect } from '../dialect/portolan.ts';
import { publishedDialect } from '../dialect/published.ts';
import { announceLayout } from '../layout/announce.ts';
import { hostsLayout } from '../layout/hosts.ts';
import { servicesLayout } from '../layout/services.ts';

/** In the order of their say: the first that claims a port keeps it. */
const DIALECTS: readonly Dialect[] = [portolanDialect, announceDialect, publishedDialect];

const LAYOUTS = { services: servicesLayout, announce: announceLayout, hosts: hostsLayout } as const;

export function dialectsOf({ dialects }: Config): {
  readonly enabled: readonly Dialect[];
  readonly disabled: readonly DialectName[];
} {
  return {
    enabled: DIALECTS.filter(({ name }) => dialects[name].enabled),
    disabled: DIALECTS.filter(({ name }) => !dialects[name].enabled).map(({ name }) => name),
  };
}

export function layoutsOf({ layouts, expiry }: Config): readonly Layout[] {
  const names = Object.keys(LAYOUTS) as (keyof typeof LAYOUTS)[];
  return names
    .filter((name) => layouts[name].enabled)
    .map((name) =>
      LAYOUTS[name]({
        prefix: layouts[name].prefix,
        leased: (layouts[name].expiry ?? expiry) === 'ttl',
      }),
    );
}

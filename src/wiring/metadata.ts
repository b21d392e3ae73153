import type { Config } from '../config/config.ts';
import type { DrainMark, Layout } from '../core/layout.ts';
import type { Dialect, DialectName } from '../core/service.ts';
import { announceDialect } from '../dialect/announce.ts';
import { portolanDialect } from '../dialect/portolan.ts';
import { publishedDialect } from '../dialect/published.ts';
import { registrarDialect } from '../dialect/registrar.ts';
import { announceLayout } from '../layout/announce.ts';
import { hostsLayout, registrarHostsLayout } from '../layout/hosts.ts';
import type { LayoutOptions } from '../layout/prefix.ts';
import { registrarLayout } from '../layout/registrar.ts';
import { servicesLayout } from '../layout/services.ts';

/** In the order of their say: the first that claims a port keeps it. */
export const dialectsBy = ({ layouts: { registrar } }: Config): readonly Dialect[] => [
  portolanDialect,
  announceDialect,
  registrarDialect(registrar.path),
  publishedDialect,
];

const LAYOUTS = ['services', 'announce', 'registrar', 'hosts'] as const;

export function dialectsOf(
  all: readonly Dialect[],
  { dialects }: Pick<Config, 'dialects'>,
): { readonly enabled: readonly Dialect[]; readonly disabled: readonly DialectName[] } {
  return {
    enabled: all.filter(({ name }) => dialects[name].enabled),
    disabled: all.filter(({ name }) => !dialects[name].enabled).map(({ name }) => name),
  };
}

export function layoutsOf({ layouts, expiry, drainMark }: Config): readonly Layout[] {
  return LAYOUTS.filter((name) => layouts[name].enabled).map((name) =>
    layoutBy(name, layouts, {
      prefix: layouts[name].prefix,
      leased: (layouts[name].expiry ?? expiry) === 'ttl',
      drainMark,
    }),
  );
}

function layoutBy(
  name: (typeof LAYOUTS)[number],
  { registrar, hosts }: Config['layouts'],
  options: LayoutOptions & { readonly drainMark: DrainMark },
): Layout {
  switch (name) {
    case 'services':
      return servicesLayout(options);
    case 'announce':
      return announceLayout(options);
    case 'registrar': {
      const { path: template, env, fullEnvironment } = registrar;
      return registrarLayout({ ...options, template, env, fullEnvironment });
    }
    case 'hosts':
      return hosts.format === 'registrar'
        ? registrarHostsLayout({ ...options, lists: registrar.prefix })
        : hostsLayout(options);
  }
}

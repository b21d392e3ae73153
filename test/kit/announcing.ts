import type { Describe } from '../../src/controller/endpoints-options.ts';
import type { Announcer } from '../../src/core/announcer.ts';
import type { Container } from '../../src/core/container.ts';
import { describe } from '../../src/core/desired.ts';
import { announceDialect } from '../../src/dialect/announce.ts';
import { portolanDialect } from '../../src/dialect/portolan.ts';
import { publishedDialect } from '../../src/dialect/published.ts';
import { announceLayout } from '../../src/layout/announce.ts';
import { servicesLayout } from '../../src/layout/services.ts';
import { containerId } from './containers.ts';

export const PATH = '/internal/app1/dev/web';

/** Describes as the agent does, of a host with one address. */
export function describing(by: Announcer | (() => Announcer) = 'container'): Describe {
  return (container, find, hearsay) =>
    describe(container, {
      host: { ipv4: '10.0.0.1', ipv6: undefined, origin: 'literal' },
      defaults: { address: 'host', network: undefined, family: 'both' },
      oneOff: false,
      dialects: [portolanDialect, announceDialect, publishedDialect],
      disabledDialects: [],
      find,
      announcements: { ...hearsay, by: typeof by === 'function' ? by() : by, prefix: '/announce/' },
    });
}

/** The layouts of the two-step way. */
export const announcingLayouts = (leased = false) => [
  servicesLayout({ prefix: '/services', leased }),
  announceLayout({ prefix: '/announce', leased }),
];

/** What makes a container announce itself. */
export function announcer(env: Readonly<Record<string, string>> = { PORT: '80' }): Partial<Container> {
  return { env: new Map(Object.entries({ ANNOUNCE_PATH: PATH, ...env })) };
}

export function announcementKey(n: number, id = containerId(n).slice(0, 12)): string {
  return `/announce${PATH}/${id}`;
}

/** What a container's process writes. */
export function announcement(n: number, over: Readonly<Record<string, unknown>> = {}): string {
  const id = containerId(n).slice(0, 12);
  return JSON.stringify({
    ID: id,
    APP: 'app1',
    ENV: 'dev',
    SERVICE: 'web',
    PORT: '80',
    TYPE: 'HTTP',
    ...over,
  });
}

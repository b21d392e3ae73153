import type { KeyValue, Layout } from '../core/layout.ts';
import { toSegment } from '../core/segment.ts';
import { type LayoutOptions, normalizePrefix } from './prefix.ts';

/** `/hosts/<owner>`: a readable copy of the heartbeat, without what changes at a restart of the agent. */
export function hostsLayout({ prefix, leased }: LayoutOptions): Layout {
  const root = normalizePrefix(prefix);
  return {
    name: 'hosts',
    prefix: root,
    leased,
    encode: () => undefined,
    encodeHost({ owner, hostName, addresses, version }): KeyValue {
      const reachable = [addresses.ipv4, addresses.ipv6].filter((address) => address !== undefined);
      const value = { owner, name: hostName, addresses: reachable, version };
      return { key: `${root}${toSegment(owner)}`, value: JSON.stringify(value) };
    },
  };
}

/** `/hosts/<host name>` as early versions of service-registrar had it: the keys of the host's documents. */
export function registrarHostsLayout({
  prefix,
  leased,
  lists,
}: LayoutOptions & { readonly lists: string }): Layout {
  const root = normalizePrefix(prefix);
  return {
    name: 'hosts',
    prefix: root,
    leased,
    lists,
    encode: () => undefined,
    encodeHost({ hostName }, services = []): KeyValue {
      return {
        key: `${root}${toSegment(hostName)}`,
        value: JSON.stringify({ hostname: hostName, services }),
      };
    },
  };
}

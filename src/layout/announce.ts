import type { KeyValue, Layout } from '../core/layout.ts';
import { announceFields, endpointKey } from './document.ts';
import { type LayoutOptions, normalizePrefix } from './prefix.ts';

/** `/announce/<path>/<id>`: what a running container says about itself, ready or not. */
export function announceLayout({ prefix, leased }: LayoutOptions): Layout {
  const root = normalizePrefix(prefix);
  return {
    name: 'announce',
    prefix: root,
    leased,
    encode(endpoint, phase): KeyValue | undefined {
      // What a container announces itself is its own to write.
      if (phase.state === 'expired' || endpoint.service.announcer === 'container') return undefined;
      return { key: endpointKey(root, endpoint), value: JSON.stringify(announceFields(endpoint)) };
    },
    encodeHost: () => undefined,
  };
}

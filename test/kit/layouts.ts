import type { Layout } from '../../src/core/layout.ts';

/** Two small layouts with the same rules of visibility as `announce` and `services`. */
export const simpleLayouts: readonly Layout[] = [
  {
    name: 'announce',
    prefix: '/announce/',
    leased: false,
    encode: ({ service, keyId }, phase) =>
      phase.state === 'expired'
        ? undefined
        : { key: `/announce/${service.path.join('/')}/${keyId}`, value: keyId },
    encodeHost: () => undefined,
  },
  {
    name: 'services',
    prefix: '/services/',
    leased: false,
    encode: ({ service, keyId, ip, port }, { state, offered }) =>
      state === 'registered' || (state === 'draining' && offered)
        ? { key: `/services/${service.path.join('/')}/${keyId}`, value: `${ip}:${String(port)} ${state}` }
        : undefined,
    encodeHost: ({ owner }) => ({ key: `/hosts/${owner}`, value: owner }),
  },
];

/** The same, for records under the host's lease; the host's own record stays without one. */
export const leasedLayouts: readonly Layout[] = simpleLayouts.map((layout) => ({ ...layout, leased: true }));

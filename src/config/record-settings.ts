import { EXPIRIES } from '../core/layout.ts';
import { group, on, setting } from './setting.ts';
import { keyPrefix, layoutExpiry } from './values.ts';

/** A layout that never carries a lease takes `neverLeased` for its `expiry`. */
const layout = (name: string, description: string, prefix: string) =>
  group({
    enabled: on(`Write the ${name} layout: ${description}.`, true, false),
    prefix: setting(keyPrefix.prefault(prefix), {
      description: `Where the ${name} layout lies.`,
      value: 'path',
      flag: `${name}-prefix`,
    }),
    expiry: setting(layoutExpiry(), {
      description: `How records of the ${name} layout expire; default: expiry.`,
      value: EXPIRIES.join('|'),
      flag: `${name}-expiry`,
    }),
  });

const dialect = (name: string, description: string) =>
  group({ enabled: on(`Read the ${name} dialect: ${description}.`, true, false, true) });

export const layouts = setting(
  group({
    services: layout('services', 'ready endpoints, one record each', '/services'),
    announce: layout('announce', 'running endpoints, ready or not', '/announce'),
    hosts: layout('hosts', 'a readable copy of the heartbeat', '/hosts'),
  }),
  {
    description: 'Layouts to write, all others off: services, announce, hosts.',
    kind: 'switches',
    value: 'names',
    env: 'PORTOLAN_LAYOUT',
    fallback: 'all',
    flag: 'layout',
  },
);

export const dialects = setting(
  group({
    portolan: dialect('portolan', 'portolan.* labels'),
    announce: dialect('announce', 'ANNOUNCE_PATH, PORT and TYPE in the environment'),
    published: dialect('published', 'published ports without any metadata'),
  }),
  {
    description: 'Dialects to read, all others off: portolan, announce, published.',
    kind: 'switches',
    value: 'names',
    env: 'PORTOLAN_DIALECT',
    fallback: 'all',
    flag: 'dialect',
  },
);

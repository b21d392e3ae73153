import * as z from 'zod';
import { EXPIRIES } from '../core/layout.ts';
import { DEFAULT_TEMPLATE } from '../core/path-template.ts';
import { pathTemplate, variableNames } from './registrar-values.ts';
import { group, on, setting } from './setting.ts';
import { keyPrefix, layoutExpiry } from './values.ts';

/** A layout that never carries a lease takes `neverLeased` for its `expiry`. */
const shape = (name: string, description: string, prefix: string, enabled = true) => ({
  enabled: on(`Write the ${name} layout: ${description}.`, enabled, false),
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

const layout = (...of: Parameters<typeof shape>) => group(shape(...of));

const registrar = group({
  ...shape('registrar', 'what is in rotation, in the documents of service-registrar', '/services', false),
  path: setting(pathTemplate.prefault(DEFAULT_TEMPLATE), {
    description:
      'What the keys of the registrar layout, and the paths of the registrar dialect, are made of: environment:VARIABLE, string:text, service:FIELD.',
    kind: 'list',
    value: 'elements',
    flag: 'registrar-path',
    fallback: DEFAULT_TEMPLATE,
  }),
  env: setting(variableNames.prefault([]), {
    description: 'Variables that enter its documents, beside those of the path and APP, NAME, ENVIRONMENT.',
    kind: 'list',
    value: 'names',
    flag: 'registrar-env',
  }),
  fullEnvironment: on(
    'Copy the whole environment of containers into its documents, secrets and all, as the original did.',
    false,
    false,
  ),
});

const hosts = group({
  ...shape('hosts', 'a readable copy of the heartbeat', '/hosts'),
  format: setting(z.enum(['portolan', 'registrar']).default('portolan'), {
    description:
      'registrar: instead, the keys of the registrar layout that this host wants, as early versions of service-registrar listed them.',
    value: 'portolan|registrar',
    flag: 'hosts-format',
  }),
});

const dialect = (name: string, description: string, enabled = true) =>
  group({ enabled: on(`Read the ${name} dialect: ${description}.`, enabled, false, true) });

export const layouts = setting(
  group({
    services: layout('services', 'ready endpoints, one record each', '/services'),
    announce: layout('announce', 'running endpoints, ready or not', '/announce'),
    registrar,
    hosts,
  }),
  {
    description: 'Layouts to write, all others off: services, announce, registrar, hosts.',
    kind: 'switches',
    value: 'names',
    env: 'PORTOLAN_LAYOUT',
    fallback: 'all but registrar',
    flag: 'layout',
  },
);

export const dialects = setting(
  group({
    portolan: dialect('portolan', 'portolan.* labels'),
    announce: dialect('announce', 'ANNOUNCE_PATH, PORT and TYPE in the environment'),
    registrar: dialect(
      'registrar',
      'published ports with SERVICE_<port>_NAME and SERVICE_<port>_TAGS, as service-registrar',
      false,
    ),
    published: dialect('published', 'published ports without any metadata'),
  }),
  {
    description: 'Dialects to read, all others off: portolan, announce, registrar, published.',
    kind: 'switches',
    value: 'names',
    env: 'PORTOLAN_DIALECT',
    fallback: 'all but registrar',
    flag: 'dialect',
  },
);

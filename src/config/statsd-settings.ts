import * as z from 'zod';
import { group, setting } from './setting.ts';
import { count } from './values.ts';

/** What may stand in a line of statsd before a name: nothing that would end it. */
const PREFIX = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;
/** A name, or an address; `name:port` is neither. */
const HOST = /^(?:[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*)$/;

export const statsd = group({
  host: setting(z.string().regex(HOST).optional(), {
    description: 'statsd server that is told of runs and writes, under the names of service-registrar.',
    value: 'host',
    fallback: 'none: nothing is sent',
  }),
  port: setting(count({ min: 1, max: 65_535 }).prefault(8125), {
    description: 'Its UDP port.',
    value: 'number',
  }),
  prefix: setting(z.string().regex(PREFIX).default('registrar-service'), {
    description: 'What stands before each name that is sent.',
    value: 'text',
  }),
});

import { formatDuration } from '../core/duration.ts';
import { hostPattern } from '../core/host-name.ts';
import { listed } from '../core/listed.ts';
import {
  BALANCES,
  type Balance,
  CHECK_PATH,
  MAX_ALIASES,
  MAX_TIMEOUT_MS,
  ROUTE_PROTOCOLS,
  type RouteProtocol,
} from '../core/route-settings.ts';
import { label, lasting, text, word } from './label-spec.ts';

const aliases = text(
  `write host names with commas between them, such as shop.example,*.shop.example; at most ${String(MAX_ALIASES)}`,
  (value) => {
    const list = listed(value).map(hostPattern);
    const names = list.filter((name) => name !== undefined);
    const fine = names.length === list.length && names.length >= 1 && names.length <= MAX_ALIASES;
    return fine ? [...new Set(names)].sort() : undefined;
  },
);

/** What a service asks of proxies. None of these labels publishes anything by itself; proxies heed them for `HTTP`. */
export const ROUTE_LABELS = {
  'route.aliases': label({
    schema: aliases,
    scope: 'both',
    sentence:
      'Host names under which proxies serve it, beside the name of its path; `*.` at the beginning stands for any name below.',
    type: 'host names with commas between them, at most 64',
    example: 'portolan.route.aliases=shop.example,*.shop.example',
    fallback: 'the name of the path alone, else the path backwards: `web.dev.app1.internal`',
    leavesOut: false,
  }),
  'route.balance': label({
    schema: word<Balance>(
      `write ${BALANCES.slice(0, -1).join(', ')} or ${String(BALANCES.at(-1))}`,
      BALANCES,
    ),
    scope: 'both',
    sentence: 'How proxies choose among the servers of the path.',
    type: '`roundrobin`, `leastconn`, `random` or `first`; any case',
    example: 'portolan.route.balance=leastconn',
    fallback: '`roundrobin`',
    leavesOut: false,
  }),
  'route.timeout': label({
    schema: lasting(1, MAX_TIMEOUT_MS),
    scope: 'both',
    sentence: 'How long a server may be silent before a proxy gives up waiting for its answer.',
    type: `a duration up to ${formatDuration(MAX_TIMEOUT_MS)}`,
    example: 'portolan.route.timeout=5m',
    fallback: 'the timeout of the proxy, `timeouts.server`',
    leavesOut: false,
  }),
  'route.check': label({
    schema: text('write a path of A-Z a-z 0-9 . _ ~ : @ + = / ? & % -, such as /health', (value) =>
      CHECK_PATH.test(value) ? value : undefined,
    ),
    scope: 'both',
    sentence: 'What the health checks of proxies ask for; an answer from 200 to 399 is right.',
    type: 'a path, with a query if need be',
    example: 'portolan.route.check=/health',
    fallback: 'a check only connects',
    leavesOut: false,
  }),
  'route.retry': label({
    schema: word<'true' | 'false'>('write true or false', ['true', 'false']),
    scope: 'both',
    sentence:
      'Lets proxies send requests that are not safe to repeat (POST and the like) a second time when a server fails.',
    type: '`true` or `false`',
    example: 'portolan.route.retry=true',
    fallback: '`false`: only GET, HEAD and OPTIONS are sent again',
    leavesOut: false,
  }),
  'route.protocol': label({
    schema: word<RouteProtocol>('write http1 or h2c', ROUTE_PROTOCOLS),
    scope: 'both',
    sentence: 'What proxies speak to the servers: HTTP/1.1, or HTTP/2 without TLS (`h2c`), which gRPC needs.',
    type: '`http1` or `h2c`; any case',
    example: 'portolan.route.protocol=h2c',
    fallback: '`http1`',
    leavesOut: false,
  }),
} as const;

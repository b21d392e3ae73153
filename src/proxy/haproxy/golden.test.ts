import { describe, expect, it } from 'vitest';
import { RouteTable } from '../../core/route-table.ts';
import { routeRecord } from '../../layout/route.ts';
import { Assignment } from './assignment.ts';
import { backendCommands } from './commands.ts';
import { renderAll } from './folder.ts';
import type { Placed } from './render.ts';
import type { HaproxySettings } from './settings.ts';

const settings: HaproxySettings = {
  socket: '/run/haproxy/admin.sock',
  folder: '/etc/haproxy/portolan',
  pool: 4,
  domainMatch: false,
  checkMs: 2000,
  slowStartMs: 5000,
  retries: 3,
  redispatch: 1,
  retryOn: ['conn-failure', 'empty-response'],
  retryUnsafe: false,
  forwardedFor: true,
  connectMs: 500,
  serverMs: 60_000,
  queueMs: 5000,
  tunnelMs: 3_600_000,
  frontend: { bind: ['*:80', '[::]:80'], clientMs: 60_000 },
  reload: { type: 'none' },
  check: ['true'],
};

const SHOP = '/internal/shop/dev/web/shop.example';
const RECORDS: readonly (readonly [key: string, revision: string, fields: object])[] = [
  [`${SHOP}/one`, '7', { NAME: 'Shop.Example', proxy: { aliases: ['*.shop.example', 'old.example'] } }],
  [`${SHOP}/two`, '9', { NAME: 'shop.example', IP: 'fd00::2', weight: 10 }],
  [`${SHOP}/three`, '8', { NAME: 'shop.example', state: 'draining', cause: 'stop-signal' }],
  ['/internal/api/dev/rpc/0ce60d000eac', '12', { proxy: { protocol: 'h2c', check: '/up' } }],
  [
    '/internal/api/dev/slow/a~b',
    '13',
    { proxy: { balance: 'leastconn', timeoutMs: 300_000, check: '/health?full=1', retry: true } },
  ],
  ['/old/tool/x', '3', { owner: undefined, state: undefined, NAME: 'old.example' }],
  [
    '/hostile/x',
    '4',
    { NAME: 'a b\n;', proxy: { aliases: ['"'], check: '/\nx', balance: ';', timeoutMs: -1 } },
  ],
  ['/tcp/x', '5', { TYPE: 'TCP' }],
];

function place(): ReadonlyMap<string, Placed> & { readonly assignment: Assignment } {
  const table = new RouteTable(30_000);
  const records = RECORDS.flatMap(([key, createRevision, fields]) => {
    const id = key.slice(key.lastIndexOf('/') + 1);
    const common = { ID: id, SERVICE: 'web', PORT: '80', TYPE: 'HTTP', IP: '10.0.0.1', EXT_PORT: '32768' };
    const value = JSON.stringify({ ...common, owner: 'host-1', state: 'registered', tags: [], ...fields });
    const record = { value, createRevision, modRevision: createRevision, lease: '0' };
    const decoded = routeRecord(`/services${key}`, record, '/services/');
    return 'record' in decoded ? [decoded.record] : [];
  });
  table.list({ records, alive: () => true }, 0);
  const assignment = new Assignment(settings.pool);
  const placed = new Map<string, Placed>();
  for (const path of [...table.paths()].sort()) {
    const service = table.service(path);
    if (service === undefined || service.hosts.length === 0) continue;
    placed.set(path, { service, backend: assignment.place(service, 0, () => true) });
  }
  return Object.assign(placed, { assignment });
}

const rendered = (over: Partial<HaproxySettings>): string => {
  const placed = place();
  const files = renderAll({ ...settings, ...over }, placed.assignment, placed, settings.folder);
  return [...files].map(([name, text]) => `==> ${name} <==\n${text}`).join('\n');
};

/** A difference is a change of what users run: renew them with `vitest -u`, and look at what it did. */
describe('for a fixed set of records', () => {
  it('the files are these, byte by byte', async () => {
    await expect(rendered({})).toMatchFileSnapshot('golden/files.golden');
  });

  it('the files are these when everything is said otherwise', async () => {
    const other = rendered({
      ...{ domainMatch: true, checkMs: undefined, slowStartMs: 0, retries: 0, redispatch: 0, retryOn: [] },
      ...{ retryUnsafe: true, forwardedFor: false, frontend: undefined },
    });
    await expect(other).toMatchFileSnapshot('golden/other-settings.golden');
    await expect(rendered({ domainMatch: true })).toMatchFileSnapshot('golden/domain-match.golden');
  });

  it('the run-time commands are these', async () => {
    const commands = [...place().values()].flatMap(({ backend, service }) => {
      const { grow } = backendCommands(backend, service, undefined, settings);
      return [`# ${service.path}`, ...service.notes.map((note) => `# ${note}`), ...grow];
    });
    await expect(`${commands.join('\n')}\n`).toMatchFileSnapshot('golden/commands.golden');
  });
});

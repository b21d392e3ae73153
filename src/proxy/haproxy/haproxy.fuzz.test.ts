import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hostileText, runs } from '../../../test/kit/fuzz.ts';
import { RouteTable } from '../../core/route-table.ts';
import { routeRecord as decode } from '../../layout/route.ts';
import {
  isOldVersion,
  parseBackends,
  parseInfo,
  parseLoad,
  parseMap,
  parseServers,
  refusals,
} from './answers.ts';
import { Assignment } from './assignment.ts';
import { backendCommands } from './commands.ts';
import { renderAll } from './folder.ts';
import { serverName } from './names.ts';
import type { Placed } from './render.ts';
import type { HaproxySettings } from './settings.ts';

const settings: HaproxySettings = {
  socket: '/s',
  folder: '/f',
  pool: 3,
  domainMatch: false,
  checkMs: 2000,
  slowStartMs: 0,
  retries: 3,
  redispatch: 1,
  retryOn: ['conn-failure', 'empty-response'],
  retryUnsafe: false,
  forwardedFor: true,
  connectMs: 500,
  serverMs: 1000,
  queueMs: 1000,
  tunnelMs: 1000,
  frontend: { bind: ['*:80'], clientMs: 1000 },
  reload: { type: 'none' },
  check: ['true'],
};

/** Everything that a file may consist of, line by line. */
const LINES: readonly RegExp[] = [
  /^$/,
  /^# Written by Portolan\. Changes are overwritten\.$/,
  /^# (?:\/[A-Za-z0-9._~:@+=-]+)+$/,
  /^(?:global|defaults portolan-defaults|frontend portolan from portolan-defaults)$/,
  /^backend (?:pool-\d{3}|own-[0-9a-f]{12}-[0-9a-f]{8}|portolan-[0-9a-f]{12}) from portolan-defaults$/,
  /^ {2}(?:mode|balance|option|retries|retry-on|timeout|bind|stats|http-request|use_backend) [ -~]+$/,
  /^ {2}http-check send meth GET uri \/[A-Za-z0-9._~:@+=/?&%-]* ver HTTP\/2 hdr Host localhost$/,
  /^ {2}server [A-Za-z0-9._-]{1,64} [0-9a-fA-F.:[\]]+:\d{1,5} weight \d{1,3}(?: proto h2)? check inter 2000ms fall 2 rise 1$/,
];
const MAP_LINES = [
  /^$/,
  /^\.?[a-z0-9._-]+ (?:pool|own)-[0-9a-f-]+$/,
  /^(?:pool|own)-[0-9a-f-]+ \/[A-Za-z0-9._~:@+=/-]+$/,
];

const hostileRecord = fc.record({
  path: fc.array(hostileText, { minLength: 1, maxLength: 4 }),
  id: hostileText,
  NAME: fc.oneof(hostileText, fc.constant('shop.example')),
  IP: fc.oneof(hostileText, fc.constantFrom('10.0.0.1', 'fd00::1')),
  proxy: fc.record({
    aliases: fc.array(hostileText),
    check: fc.oneof(hostileText, fc.constant('/health')),
    balance: fc.oneof(hostileText, fc.constant('leastconn')),
    timeoutMs: fc.oneof<fc.Arbitrary<unknown>[]>(hostileText, fc.double(), fc.nat(10_000)),
    retry: fc.oneof<fc.Arbitrary<unknown>[]>(hostileText, fc.boolean()),
    protocol: fc.oneof(hostileText, fc.constant('h2c')),
  }),
});

describe('hostile values', () => {
  it('never bring a line into a file or a command that we did not mean', () => {
    fc.assert(
      fc.property(fc.array(hostileRecord, { maxLength: 6 }), (hostile) => {
        const table = new RouteTable(1000);
        const records = hostile.flatMap(({ path, id, ...fields }) => {
          const value = JSON.stringify({
            ID: id,
            SERVICE: 'x',
            PORT: 80,
            TYPE: 'HTTP',
            EXT_PORT: 80,
            ...fields,
          });
          const record = { value, createRevision: '1', modRevision: '1', lease: '0' };
          const decoded = decode(`/services/${path.join('/')}/${id}`, record, '/services/');
          return 'record' in decoded ? [decoded.record] : [];
        });
        table.list({ records, alive: () => true }, 0);
        const assignment = new Assignment(settings.pool);
        const placed = new Map<string, Placed>();
        for (const path of table.paths()) {
          const service = table.service(path);
          if (service === undefined || service.hosts.length === 0) continue;
          placed.set(path, { service, backend: assignment.place(service, 0, () => true) });
        }
        for (const [name, text] of renderAll(settings, assignment, placed, '/f'))
          for (const line of text.split('\n')) {
            const known = name.startsWith('maps/') ? MAP_LINES : LINES;
            if (!known.some((pattern) => pattern.test(line)))
              throw new Error(`${name}: ${JSON.stringify(line)}`);
          }
        for (const { backend, service } of placed.values())
          for (const command of backendCommands(backend, service, undefined, settings).grow)
            expect(command).toMatch(/^(?:add|enable|set) [A-Za-z0-9._/ :[\]-]+$/);
      }),
      runs(300),
    );
  });

  it('give every id a name of its own that HAProxy takes', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.oneof(hostileText, fc.constantFrom('a', 'x_a', 'a.b'))), (ids) => {
        const names = ids.map(serverName);
        expect(new Set(names).size).toBe(ids.length);
        for (const name of names) expect(name).toMatch(/^[A-Za-z0-9._-]{1,64}$/);
      }),
      runs(300),
    );
  });

  it('in an answer of HAProxy are read as something or as nothing, and never throw', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(hostileText, fc.string())), (lines) => {
        const text = `# be_id be_name srv_id srv_name\n${lines.join('\n')}`;
        for (const parse of [parseInfo, parseServers, parseMap, parseBackends, parseLoad]) parse(text);
        refusals(lines);
        for (const line of lines) isOldVersion(line);
      }),
      runs(300),
    );
  });
});

describe('the assignment of backends', () => {
  const service = (path: string) => ({ path, hosts: ['x'], servers: [], settings: {}, notes: [] });
  const any = (): boolean => true;

  it('keeps a service where it is, and lets a freed backend rest until nobody can reach it by mistake', () => {
    const assignment = new Assignment(2);
    expect(assignment.place(service('/a'), 0, any)).toBe('pool-000');
    expect(assignment.place(service('/b'), 0, any)).toBe('pool-001');
    expect(assignment.place(service('/a'), 0, any)).toBe('pool-000');
    assignment.release('/a', 1000);
    expect(assignment.place(service('/c'), 1000, any)).toMatch(/^own-/);
    assignment.wake(1999, 1000, any);
    assignment.wake(2000, 1000, () => false);
    expect(assignment.place(service('/d'), 2000, any)).toMatch(/^own-/);
    assignment.wake(2000, 1000, any);
    expect(assignment.place(service('/e'), 2000, any)).toBe('pool-000');
  });

  it('takes up what runs', () => {
    const assignment = new Assignment(2);
    assignment.adopt([
      ['pool-001', '/a'],
      ['pool-007', '/b'],
    ]);
    expect(assignment.place(service('/a'), 0, any)).toBe('pool-001');
    expect(assignment.place(service('/b'), 0, any)).toBe('pool-000');
  });
});

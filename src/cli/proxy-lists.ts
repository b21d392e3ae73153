import type { ProxyView, RouteView } from '../core/proxy-view.ts';
import type { Column } from './table.ts';
import { since } from './time.ts';

export const proxies = (now: number): readonly Column<ProxyView>[] => [
  { title: 'NAME', cell: ({ name }) => name },
  { title: 'STATE', cell: ({ state }) => state },
  { title: 'SINCE', cell: (row) => since(row.since, now) },
  { title: 'VERSION', cell: ({ version }) => version ?? '' },
  { title: 'SERVICES', cell: ({ services }) => services.toString() },
  { title: 'SERVERS', cell: ({ servers }) => servers.toString() },
  { title: 'RELOADS', cell: ({ reloads }) => reloads.toString() },
  { title: 'COMMANDS', cell: ({ commands }) => commands.toString() },
  { title: 'WHY NOT', cell: ({ why }) => why ?? '', max: 80 },
  { title: 'LAST RELOAD', cell: (row) => lastReload(row, now), max: 60 },
  { title: 'REGISTRY', cell: ({ registry }) => registry, max: 48 },
  { title: 'PATHS', cell: ({ paths }) => paths.join(','), wide: true },
  { title: 'PROCESS', cell: ({ process }) => process ?? '', wide: true },
];

function lastReload({ lastReload: why, lastReloadAt: at }: ProxyView, now: number): string {
  return why === undefined || at === undefined ? '' : `${since(at, now)} ago: ${why}`;
}

export const routes = (now: number): readonly Column<RouteView>[] => [
  { title: 'PATH', cell: ({ path }) => path, max: 60 },
  { title: 'HOSTS', cell: ({ hosts }) => hosts.join(','), max: 60 },
  { title: 'SERVER', cell: ({ server }) => server?.slice(0, 16) ?? '' },
  { title: 'ADDRESS', cell: ({ address }) => address ?? '', max: 48 },
  { title: 'WEIGHT', cell: ({ weight }) => weight?.toString() ?? '' },
  { title: 'STATE', cell: ({ state }) => state },
  { title: 'RECORD', cell: ({ why }) => why ?? '' },
  { title: 'SESSIONS', cell: ({ sessions }) => sessions?.toString() ?? '' },
  { title: 'SINCE', cell: (row) => (row.since === undefined ? '' : since(row.since, now)) },
  { title: 'PROXY', cell: ({ proxy }) => proxy },
  { title: 'NOTES', cell: ({ notes }) => notes.join('; '), max: 80 },
  { title: 'BACKEND', cell: ({ backend }) => backend ?? '', wide: true },
];

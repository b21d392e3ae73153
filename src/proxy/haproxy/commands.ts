import { hostAndPort } from '../../core/ip.ts';
import type { RouteServer, RouteService } from '../../core/route-service.ts';
import type { PlanLine } from '../../core/status.ts';
import type { ServerState } from './answers.ts';
import { serverName } from './names.ts';
import { sameAddress } from './observed.ts';
import { serverTerms } from './render.ts';
import type { HaproxySettings } from './settings.ts';

/** Run-time commands that bring one backend to what a service wants. What adds goes first, over all backends. */
export interface BackendCommands {
  readonly grow: readonly string[];
  readonly shrink: readonly string[];
  readonly lines: readonly PlanLine[];
}

const NOTHING: ReadonlyMap<string, ServerState> = new Map();

/** `service` undefined: nothing is wanted in this backend. */
export function backendCommands(
  backend: string,
  service: RouteService | undefined,
  observed: ReadonlyMap<string, ServerState> = NOTHING,
  settings: HaproxySettings,
): BackendCommands {
  const grow: string[] = [];
  const shrink: string[] = [];
  const lines: PlanLine[] = [];
  const wanted = new Set<string>();
  for (const server of service?.servers ?? []) {
    const name = serverName(server.id);
    wanted.add(name);
    const before = observed.get(name);
    const commands =
      before === undefined
        ? addServer(`${backend}/${name}`, server, service as RouteService, settings)
        : changeServer(`${backend}/${name}`, server, before, settings);
    if (commands.length === 0) continue;
    grow.push(...commands);
    lines.push(serverLine(`${backend}/${name}`, server, before, `${server.why}: ${server.key}`));
  }
  for (const [name, before] of observed) {
    if (wanted.has(name)) continue;
    const at = `${backend}/${name}`;
    shrink.push(...(before.mode === 'maint' ? [] : [`set server ${at} state maint`]), `del server ${at}`);
    lines.push(serverLine(at, undefined, before, 'no record wants it'));
  }
  return { grow, shrink, lines };
}

function addServer(
  at: string,
  server: RouteServer,
  service: RouteService,
  settings: HaproxySettings,
): readonly string[] {
  return [
    `add server ${at} ${serverTerms(server, service, settings)}`,
    // A new server begins in maintenance, with its checks off.
    server.mode === 'ready' ? `enable server ${at}` : `set server ${at} state drain`,
    ...(settings.checkMs === undefined ? [] : [`enable health ${at}`]),
  ];
}

function changeServer(
  at: string,
  server: RouteServer,
  before: ServerState,
  settings: HaproxySettings,
): readonly string[] {
  const commands: string[] = [];
  const moved = !sameAddress(before.ip, server.ip) || before.port !== server.port;
  const left = before.mode !== server.mode && server.mode === 'drain';
  // Out of rotation before anything else.
  if (left) commands.push(`set server ${at} state drain`);
  if (moved) commands.push(`set server ${at} addr ${server.ip} port ${String(server.port)}`);
  if (before.weight !== server.weight) commands.push(`set server ${at} weight ${String(server.weight)}`);
  if (before.mode !== server.mode && !left) commands.push(`set server ${at} state ready`);
  if (settings.checkMs !== undefined && !before.checked) commands.push(`enable health ${at}`);
  return commands;
}

function serverLine(
  key: string,
  after: RouteServer | undefined,
  before: ServerState | undefined,
  reason: string,
): PlanLine {
  return {
    action: before === undefined ? 'create' : after === undefined ? 'delete' : 'update',
    key,
    before: before && describe(before.ip, before.port, before.weight, before.mode),
    after: after && describe(after.ip, after.port, after.weight, after.mode),
    reason,
  };
}

function describe(ip: string, port: number, weight: number, mode: string): string {
  return `${hostAndPort(ip, port)} weight ${String(weight)} ${mode}`;
}

import { fail, ok, type Result } from '../../core/failure.ts';
import {
  isDenied,
  isOldVersion,
  type ProcessInfo,
  parseBackends,
  parseInfo,
  parseLoad,
  parseMap,
  parseServers,
} from './answers.ts';
import { byBackend, type Observed, type ObservedMap, observedMap } from './observed.ts';
import { MAPS, type MapName, mapFile } from './render.ts';
import { type AdminSocket, denied } from './socket.ts';

/** Which process answers; refuses one that cannot be driven. */
export async function readInfo(
  socket: Pick<AdminSocket, 'ask' | 'path'>,
  signal: AbortSignal,
): Promise<Result<ProcessInfo>> {
  const answer = await socket.ask('show info', signal);
  if (!answer.ok) return answer;
  const info = parseInfo(answer.value);
  if (info === undefined)
    return isDenied(answer.value)
      ? { ok: false, failure: denied(socket.path) }
      : fail('proxy-unsupported', `what answers at ${socket.path} is no HAProxy; correct socket`);
  if (isOldVersion(info.version))
    return fail(
      'proxy-unsupported',
      `this is HAProxy ${info.version}, which cannot add servers while it runs; install 2.6 or newer`,
    );
  return ok(info);
}

/** A socket of another level reads all of it, and would refuse every change. */
async function mayChange(socket: AdminSocket, signal: AbortSignal): Promise<Result<void>> {
  const level = await socket.ask('show cli level', signal);
  if (!level.ok) return level;
  return /^(?:operator|user)$/m.test(level.value) || isDenied(level.value)
    ? { ok: false, failure: denied(socket.path) }
    : ok(undefined);
}

/** Everything, in one go; a reload in the middle makes the read worthless. */
export async function readObserved(
  socket: AdminSocket,
  folder: string,
  signal: AbortSignal,
): Promise<Result<Observed>> {
  const info = await readInfo(socket, signal);
  if (!info.ok) return info;
  const allowed = await mayChange(socket, signal);
  if (!allowed.ok) return allowed;
  const backends = await socket.ask('show backend', signal);
  if (!backends.ok) return backends;
  const servers = await socket.ask('show servers state', signal);
  if (!servers.ok) return servers;
  const maps = new Map<MapName, ObservedMap>();
  for (const name of MAPS) {
    const answer = await socket.ask(`show map ${mapFile(folder, name)}`, signal);
    if (!answer.ok) return answer;
    const entries = parseMap(answer.value);
    // A configuration of ours that never ran has no maps yet; a user's front end has to name them.
    maps.set(name, { ...observedMap(entries ?? []), missing: entries === undefined });
  }
  const again = await readInfo(socket, signal);
  if (!again.ok) return again;
  if (again.value.id !== info.value.id)
    return fail('proxy-refused', 'it was reloaded while it was being read');
  return ok({
    process: info.value.id,
    version: info.value.version,
    backends: parseBackends(backends.value),
    servers: byBackend(parseServers(servers.value).servers),
    maps: Object.fromEntries(maps) as unknown as Observed['maps'],
  });
}

/** Sessions and queues of backends; `everything`: of servers too. */
export async function readLoad(socket: AdminSocket, everything: boolean, signal: AbortSignal) {
  const answer = await socket.ask(`show stat -1 ${everything ? '6' : '2'} -1`, signal);
  return answer.ok ? ok(parseLoad(answer.value)) : answer;
}

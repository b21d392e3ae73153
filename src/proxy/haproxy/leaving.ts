import { ok, type Result } from '../../core/failure.ts';
import type { Clock } from '../../core/ports.ts';
import { parseLoad, parseMap } from './answers.ts';
import { mapFile } from './render.ts';
import type { HaproxySettings } from './settings.ts';
import { AdminSocket } from './socket.ts';

/** Sessions by path and name of the server, of processes that a reload has replaced and that end with their last session. */
export type Leaving = ReadonlyMap<string, number>;

export const leavingKey = (path: string, server: string): string => `${path} ${server}`;

/** Only the master knows them. Without its socket there is nobody to ask, and nothing is known of any. */
export async function readLeaving(
  { reload, folder }: Pick<HaproxySettings, 'reload' | 'folder'>,
  clock: Clock,
  signal: AbortSignal,
): Promise<Result<Leaving>> {
  const sessions = new Map<string, number>();
  if (reload.type !== 'master') return ok(sessions);
  const socket = new AdminSocket(reload.socket, clock);
  // The master keeps a connection open until it is told to end it.
  const ask = (line: string): Promise<Result<string>> => socket.ask(`${line}\nquit`, signal);
  const processes = await ask('show proc');
  if (!processes.ok) return processes;
  for (const pid of oldWorkers(processes.value)) {
    const map = await ask(`@!${pid} show map ${mapFile(folder, 'services')}`);
    if (!map.ok) return map;
    const stat = await ask(`@!${pid} show stat -1 4 -1`);
    if (!stat.ok) return stat;
    const pathOf = new Map(parseMap(map.value) ?? []);
    for (const [name, { sessions: open }] of parseLoad(stat.value)) {
      const [backend = '', server = ''] = name.split('/');
      const path = pathOf.get(backend);
      if (path === undefined || open === 0) continue;
      const key = leavingKey(path, server);
      sessions.set(key, (sessions.get(key) ?? 0) + open);
    }
  }
  return ok(sessions);
}

/** Process ids below the heading `# old workers` of `show proc`. */
function oldWorkers(text: string): readonly string[] {
  const [, rest = ''] = text.split(/^# old workers$/m);
  const [own = ''] = rest.split(/^#/m);
  return [...own.matchAll(/^(\d+)\s+worker\s/gm)].map(([, pid = '']) => pid);
}

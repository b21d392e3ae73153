import { createHash } from 'node:crypto';
import { isAbsolute, join } from 'node:path';
import * as z from 'zod';
import type { Machine } from './context.ts';

const dockerConfig = z.object({ currentContext: z.string().min(1) });
const contextMeta = z.object({ Endpoints: z.object({ docker: z.object({ Host: z.string() }) }) });

/**
 * Where an engine may listen when none is named, in the order of trying: Docker as root, Docker of this user, Docker
 * Desktop, the context that Docker's own client uses, Podman of this user and as root.
 */
export function engineSockets(machine: Machine): readonly string[] {
  const { uid, home, runtimeDir } = machine;
  const runtime = runtimeDir !== undefined && isAbsolute(runtimeDir) ? [runtimeDir] : [];
  const ofUser = uid === undefined ? [] : [`/run/user/${String(uid)}`];
  const found = [
    '/var/run/docker.sock',
    ...[...runtime, ...ofUser].map((folder) => join(folder, 'docker.sock')),
    join(home, '.docker/run/docker.sock'),
    ...contextSocket(machine),
    ...[...runtime, ...ofUser].map((folder) => join(folder, 'podman/podman.sock')),
    '/run/podman/podman.sock',
  ];
  return [...new Set(found)];
}

/** A context on another machine is no socket: whoever means it has to name it. */
function contextSocket({ home, readFile }: Machine): readonly string[] {
  const read = <T>(schema: z.ZodType<T>, path: string): T | undefined => {
    try {
      return schema.parse(JSON.parse(readFile(join(home, '.docker', path))));
    } catch {
      return undefined;
    }
  };
  const name = read(dockerConfig, 'config.json')?.currentContext;
  if (name === undefined || name === 'default') return [];
  const folder = createHash('sha256').update(name).digest('hex');
  const host = read(contextMeta, `contexts/meta/${folder}/meta.json`)?.Endpoints.docker.Host ?? '';
  return host.startsWith('unix:///') ? [host.slice('unix://'.length)] : [];
}

import { createHash } from 'node:crypto';
import type { RouteService } from '../../core/route-service.ts';
import { backendSettings } from '../../core/route-settings.ts';

/** What HAProxy takes in a name and no command or file could take for anything else. */
const SAFE = /^[A-Za-z0-9._-]{1,64}$/;
const HASHED = 'x_';

/** The server's name: its id, or a hash where the id has characters that HAProxy does not take. Two ids never share one. */
export function serverName(id: string): string {
  return SAFE.test(id) && !id.startsWith(HASHED) ? id : `${HASHED}${digest(id).slice(0, 32)}`;
}

/** The n-th backend that is declared ahead. */
export function poolName(index: number): string {
  return `pool-${String(index).padStart(3, '0')}`;
}

export const isPool = (backend: string): boolean => /^pool-\d{3,4}$/.test(backend);

const PLAIN = textOf({});

/** Settings that a backend of the pool cannot take at run time. */
export function needsOwn({ settings }: Pick<RouteService, 'settings'>): boolean {
  return textOf(settings) !== PLAIN;
}

/** A backend of one service: other settings give another name, so that a name tells what really runs. */
export function ownName(path: string, settings: RouteService['settings']): string {
  return `own-${digest(path).slice(0, 12)}-${digest(textOf(settings)).slice(0, 8)}`;
}

function textOf(settings: RouteService['settings']): string {
  return JSON.stringify(backendSettings(settings));
}

/** An empty backend whose name tells which general part of the configuration runs. */
export function markerName(text: string): string {
  return `portolan-${digest(text).slice(0, 12)}`;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

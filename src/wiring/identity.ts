import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Result } from '../core/failure.ts';
import type { Clock, HostEntry, Log, Random } from '../core/ports.ts';
import type { EngineInfo } from '../source/docker/engine.ts';
import type { StateFolder } from '../state/folder.ts';
import { untilAnswered } from './patience.ts';

/** Which process this is: a new one at every start, and the boot of the machine that it lives in. */
export interface Instance {
  readonly id: string;
  readonly boot: string;
}

export function newInstance(): Instance {
  return { id: randomUUID(), boot: bootId() };
}

/** Differs after every boot and on every clone of a machine; empty where the kernel does not tell, which never matches. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

export interface OwnerSearch {
  /** From the settings. */
  readonly configured: string | undefined;
  readonly folder: StateFolder;
  readonly askEngine: (signal: AbortSignal) => Promise<Result<EngineInfo>>;
  /** False in a dry run, which leaves no trace. */
  readonly remember: boolean;
  /** Called before the id is kept; throws when it is somebody else's. */
  readonly claim: (owner: string) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/**
 * The owner id: from the settings, else from the state folder, else the engine's own id (kept in the folder from then on).
 * Waits for the engine when nothing else knows; `undefined` only when the signal aborts first.
 */
export async function findOwner(search: OwnerSearch, signal: AbortSignal): Promise<string | undefined> {
  const known = search.configured ?? (await search.folder.ownerId());
  if (known !== undefined) {
    search.claim(known);
    return known;
  }
  const patience = { ...search, waiting: 'waiting for the engine, to learn who this host is' };
  const info = await untilAnswered(search.askEngine, patience, signal);
  if (info === undefined) return undefined;
  const owner = info.id?.replace(/[^A-Za-z0-9._-]/g, '-').slice(0, 64) ?? randomUUID();
  search.claim(owner);
  if (search.remember) await search.folder.saveOwnerId(owner);
  return owner;
}

/**
 * Tells a heartbeat of a dead predecessor on this very folder and boot from one of a living agent elsewhere.
 * `socketFree`: nobody else answers on the control socket.
 */
export function predecessorJudge(
  folder: StateFolder,
  instance: Instance,
  socketFree: () => Promise<boolean>,
): (entry: HostEntry) => Promise<boolean> {
  return async (entry) => {
    if (instance.boot === '') return false;
    const lives = await folder.lives();
    const ranHere = lives.some((life) => life.instance === entry.instance && life.boot === instance.boot);
    return ranHere && (await socketFree());
  };
}

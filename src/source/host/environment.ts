import { z } from 'zod';
import type { Result } from '../../core/failure.ts';
import type { AdvertiseProblem, AdvertiseRule } from './addresses.ts';

export interface EnvironmentReaders {
  exists(path: string): boolean;
  readText(path: string): string | undefined;
  /** This machine's host name, as `os.hostname()`. */
  hostname(): string;
}

/** The two questions that are put to the engine. */
export interface EngineWitness {
  inspect(reference: string, signal: AbortSignal): Promise<Result<unknown>>;
  info(signal: AbortSignal): Promise<Result<{ readonly name: string | undefined }>>;
}

export interface Environment {
  readonly insideContainer: boolean;
  /** The own container, where it can be told. */
  readonly containerId: string | undefined;
  /**
   * `shared`: this process is in the network of the engine's host. `own`: it is not, so that its addresses are not the
   * host's. `unknown`: nothing tells.
   */
  readonly network: 'shared' | 'own' | 'unknown';
}

/** Files that every engine mounts into a container from a folder that bears the container's id. */
const MOUNTED = new Set(['/etc/hostname', '/etc/hosts', '/etc/resolv.conf']);
const OWN_FOLDER = /containers\/([0-9a-f]{64})\//;

export function ownContainerId(readers: EnvironmentReaders): string | undefined {
  for (const line of (readers.readText('/proc/self/mountinfo') ?? '').split('\n')) {
    // The mount point decides: a host sees folders of its containers as well, but never there.
    const [, , , root = '', mountPoint = ''] = line.split(' ');
    const id = MOUNTED.has(mountPoint) ? OWN_FOLDER.exec(root)?.[1] : undefined;
    if (id !== undefined) return id;
  }
  return undefined;
}

export function isInsideContainer(readers: EnvironmentReaders): boolean {
  return (
    readers.exists('/.dockerenv') ||
    readers.exists('/run/.containerenv') ||
    ownContainerId(readers) !== undefined
  );
}

const inspection = z.object({ HostConfig: z.object({ NetworkMode: z.string() }) });

/** Where this process runs, seen from the engine. */
export async function detectEnvironment(
  readers: EnvironmentReaders,
  engine: EngineWitness,
  signal: AbortSignal,
): Promise<Environment> {
  const containerId = ownContainerId(readers);
  if (!isInsideContainer(readers))
    return { insideContainer: false, containerId: undefined, network: 'shared' };
  return {
    insideContainer: true,
    containerId,
    network: await networkOf(containerId, readers, engine, signal),
  };
}

async function networkOf(
  containerId: string | undefined,
  readers: EnvironmentReaders,
  engine: EngineWitness,
  signal: AbortSignal,
): Promise<Environment['network']> {
  if (containerId !== undefined) {
    const answer = await engine.inspect(containerId, signal);
    if (!answer.ok) return 'unknown';
    const parsed = inspection.safeParse(answer.value);
    if (parsed.success) return parsed.data.HostConfig.NetworkMode === 'host' ? 'shared' : 'own';
  }
  // The engine does not know us: it may run beside us in the same container, or our engine is another one. With the
  // host's network a container has the host's name as well.
  const info = await engine.info(signal);
  if (!info.ok || info.value.name === undefined) return 'unknown';
  return info.value.name === readers.hostname() ? 'shared' : 'own';
}

/** An agent in a container without the host's network must not take its own address for the host's. */
export function advertiseProblem(
  environment: Environment,
  rules: readonly AdvertiseRule[],
): AdvertiseProblem | undefined {
  const onlyLiterals = rules.length > 0 && rules.every(({ type }) => type === 'literal');
  if (environment.network === 'shared' || onlyLiterals) return undefined;
  return {
    code: 'inside-container',
    message:
      "the agent runs in a container without the host's network, so it cannot see the host's address: " +
      'give it with --advertise ADDRESS (PORTOLAN_ADVERTISE), or run the container with --network host',
  };
}

import { readFileSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import type { Clock } from '../core/ports.ts';
import { connectionFromEnvironment } from '../source/docker/connection.ts';
import { withDeadline } from '../source/docker/deadline.ts';
import { createDockerodeEngine } from '../source/docker/dockerode.ts';
import type { Engine } from '../source/docker/engine.ts';
import { SearchingEngine } from '../source/docker/search.ts';
import { probeSocket } from '../source/docker/socket-probe.ts';
import { followEngineTls } from './engine-tls.ts';
import { type AgentIo, StartError } from './io.ts';

/** The engine that the settings name, or the first that is found; nothing is asked of it yet. */
export async function openEngine({ docker }: Config, io: Pick<AgentIo, 'clock' | 'log'>): Promise<Engine> {
  if (docker.sockets.length > 0)
    return new SearchingEngine({
      paths: docker.sockets,
      probe: probeSocket,
      open: (socketPath) => createDockerodeEngine({ socketPath }),
    });
  const choice = connectionOf(docker);
  if (!choice.ok) throw new StartError(choice.message);
  const { connection } = choice;
  const { certPath } = docker;
  if (!('ca' in connection) || certPath === undefined) return createDockerodeEngine(connection);
  const names = 'key' in connection ? (['ca', 'cert', 'key'] as const) : (['ca'] as const);
  return createDockerodeEngine(connection, await followEngineTls(certPath, names, io));
}

/** Where the engine is that the settings name. */
export function connectionOf({
  host,
  tlsVerify,
  certPath,
}: Config['docker']): ReturnType<typeof connectionFromEnvironment> {
  return connectionFromEnvironment({ host, tlsVerify: tlsVerify ? '1' : '', certPath }, (path) =>
    readFileSync(path, 'utf8'),
  );
}

/** The questions that are asked before the source runs, each with a deadline: an engine may accept and never answer. */
export function patientWitness(engine: Engine, clock: Clock): Pick<Engine, 'info' | 'inspect'> {
  const deadline = { clock, ms: 5000 };
  return {
    info: (signal) => withDeadline(deadline, signal, 'GET /info', (within) => engine.info(within)),
    inspect: (reference, signal) =>
      withDeadline(deadline, signal, 'inspect', (within) => engine.inspect(reference, within)),
  };
}

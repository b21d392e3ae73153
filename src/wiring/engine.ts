import { readFileSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { connectionFromEnvironment } from '../source/docker/connection.ts';
import { createDockerodeEngine } from '../source/docker/dockerode.ts';
import type { Engine } from '../source/docker/engine.ts';
import { StartError } from './io.ts';

/** The engine that the settings name; nothing is asked of it yet. */
export function openEngine({ docker }: Config): Engine {
  const choice = connectionFromEnvironment(
    { host: docker.host, tlsVerify: docker.tlsVerify ? '1' : '', certPath: docker.certPath },
    (path) => readFileSync(path, 'utf8'),
  );
  if (!choice.ok) throw new StartError(choice.message);
  return createDockerodeEngine(choice.connection);
}

import type { AgentAddress } from './client.ts';
import type { Configured } from './configured.ts';

/** Where an agent that runs as root listens by default. */
const SYSTEM_SOCKET = '/var/lib/portolan/portolan.sock';

/**
 * The sockets at which the agent may answer. Whoever runs `portolan get` as an ordinary user most likely means the agent of
 * the machine, unless a socket or a state folder was named.
 */
export function agentAddress({ config, origins }: Configured): AgentAddress {
  const chosen = ['controlSocket', 'stateDir'].some((path) => origins.get(path)?.type !== 'default');
  return { sockets: [...new Set([config.controlSocket, ...(chosen ? [] : [SYSTEM_SOCKET])])] };
}

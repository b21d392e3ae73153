import type { Container, ContainerNetwork } from './container.ts';

const SHARED = 'container:';

/** The container whose network this one shares (`network_mode: container:<id>`). */
export function networkOwnerOf(container: Pick<Container, 'networkMode'>): string | undefined {
  return container.networkMode.startsWith(SHARED) ? container.networkMode.slice(SHARED.length) : undefined;
}

/** The container has no network of its own: its ports are the host's. */
export function usesHostNetwork(container: Pick<Container, 'networkMode'>): boolean {
  return container.networkMode === 'host';
}

/** Its address on these networks is reachable from the outside as it is; there is nothing to publish. */
export function isDirect(network: ContainerNetwork): boolean {
  return network.driver === 'macvlan' || network.driver === 'ipvlan';
}

/** Swarm forwards the ports of its tasks on every node of the Swarm; the container itself has no binding. */
export function isSwarmTask(container: Pick<Container, 'labels' | 'networks'>): boolean {
  const { labels, networks } = container;
  const labelled = labels.has('com.docker.swarm.service.id') || labels.has('com.docker.swarm.service.name');
  return labelled || networks.some(({ name }) => name === INGRESS);
}

/** Swarm's own network for incoming traffic; no address on it is meant for anybody else. */
export const INGRESS = 'ingress';

import type { Container } from '../core/container.ts';
import { toSegment } from '../core/segment.ts';
import { offeredPorts, type PortRef, portName, portNames } from './port.ts';

export const PROJECT_LABEL = 'com.docker.compose.project';
export const SERVICE_LABEL = 'com.docker.compose.service';

type Named = Pick<Container, 'labels' | 'name' | 'ports' | 'networks' | 'networkMode'>;

/** Compose project and service, when compose started the container. */
export function composeNames(
  container: Pick<Container, 'labels'>,
): { readonly project: string; readonly service: string } | undefined {
  const project = container.labels.get(PROJECT_LABEL) ?? '';
  const service = container.labels.get(SERVICE_LABEL) ?? '';
  return project === '' || service === '' ? undefined : { project, service };
}

/**
 * Names the ports that carry no path of their own: `/<project>/<service>`, else `/<container>`. A container with several
 * ports adds the port, for different ports must never join one backend (hack/decisions). `alongside`: ports that are named
 * like this too, although the container does not publish them.
 */
export function defaultPaths(
  container: Named,
  alongside: readonly PortRef[] = [],
): (port: PortRef) => readonly string[] {
  const compose = composeNames(container);
  const base =
    compose === undefined
      ? [toSegment(container.name)]
      : [toSegment(compose.project), toSegment(compose.service)];
  // Once for all of them: a container may publish a range of ten thousand ports.
  const names = portNames([...offeredPorts(container), ...alongside]);
  return (port) => {
    const others = names.size - Number(names.has(portName(port)));
    return others === 0 ? base : [...base, portSegment(port)];
  };
}

/** How a port is told apart from the others of its container in a path. */
export function portSegment({ port, protocol }: PortRef): string {
  return protocol === 'tcp' ? String(port) : `${String(port)}-${protocol}`;
}

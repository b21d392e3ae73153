import type { Container } from '../core/container.ts';
import { toSegment } from '../core/segment.ts';
import { offeredPorts, type PortRef, samePort } from './port.ts';

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
 * The path of a port that carries no path of its own: `/<project>/<service>`, else `/<container>`. A container with
 * several ports adds the port, for different ports must never join one backend (hack/decisions). `alongside`: ports that
 * are named like this too, although the container does not publish them.
 */
export function defaultPath(
  container: Named,
  port: PortRef,
  alongside: readonly PortRef[] = [],
): readonly string[] {
  const compose = composeNames(container);
  const base =
    compose === undefined
      ? [toSegment(container.name)]
      : [toSegment(compose.project), toSegment(compose.service)];
  const others = [...offeredPorts(container), ...alongside].filter((offered) => !samePort(offered, port));
  return others.length === 0 ? base : [...base, portSegment(port)];
}

function portSegment({ port, protocol }: PortRef): string {
  return protocol === 'tcp' ? String(port) : `${String(port)}-${protocol}`;
}

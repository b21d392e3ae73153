import type { Endpoint } from '../core/endpoint.ts';
import { pathParts } from '../core/service.ts';

/** The fields that `announce` and `services` share, all strings, in their order; what is absent is left out. */
export function announceFields({ keyId, service }: Endpoint): Readonly<Record<string, string>> {
  const { app, env, service: name, name: instance } = pathParts(service.path);
  return {
    ID: keyId,
    ...(app === undefined ? {} : { APP: app }),
    ...(env === undefined ? {} : { ENV: env }),
    SERVICE: name,
    ...(instance === undefined ? {} : { NAME: instance }),
    PORT: String(service.port),
    TYPE: service.type,
  };
}

export function endpointKey(prefix: string, { keyId, service }: Endpoint): string {
  return `${prefix}${service.path.join('/')}/${keyId}`;
}

import type { RegistryRecord } from '../core/record.ts';
import type { RouteRecord } from '../core/route-record.ts';
import { decodeServices } from './services.ts';

/** A record of the `services` layout as the route loop needs it, or why it is left out. */
export function routeRecord(
  key: string,
  { value, createRevision }: Pick<RegistryRecord, 'value' | 'createRevision'>,
  prefix: string,
): { readonly record: RouteRecord } | { readonly problem: string } {
  const decoded = decodeServices(key, value, prefix);
  if ('problem' in decoded) return decoded;
  const { path, keyId, owner, TYPE, NAME, IP, EXT_PORT, weight, state, cause } = decoded.record;
  return {
    record: {
      key,
      path: `/${path.join('/')}`,
      id: keyId,
      owner,
      type: TYPE,
      name: NAME,
      ip: IP,
      port: EXT_PORT,
      weight,
      state,
      cause,
      settings: decoded.record.proxy ?? {},
      since: createRevision,
    },
  };
}

/** A value of the `services` layout that says again what `routeRecord` has read. */
export function routeValue(record: RouteRecord): string {
  const { path, id, owner, type, name, ip, port, weight, state, cause, settings } = record;
  const SERVICE = path.slice(path.lastIndexOf('/') + 1);
  const fields = { ID: id, SERVICE, NAME: name, PORT: port, TYPE: type, IP: ip, EXT_PORT: port };
  return JSON.stringify({ ...fields, owner, state, cause, weight, proxy: settings });
}

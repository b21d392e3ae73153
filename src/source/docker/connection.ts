import { isIP } from 'node:net';
import { join } from 'node:path';
import { messageOf } from '../../core/failure.ts';

/** Where an engine listens. */
export type EngineConnection =
  | { readonly socketPath: string }
  | ({
      readonly host: string;
      readonly port: number;
      readonly protocol: 'http' | 'https';
    } & EngineTls);

/** What an engine is shown, and whom it is believed to be; PEM. */
export interface EngineTls {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

export type ConnectionChoice =
  | { readonly ok: true; readonly connection: EngineConnection }
  | { readonly ok: false; readonly message: string };

export interface DockerEnvironment {
  readonly host?: string | undefined;
  readonly tlsVerify?: string | undefined;
  readonly certPath?: string | undefined;
}

const DEFAULT_SOCKET = '/var/run/docker.sock';

/**
 * Reads `DOCKER_HOST`, `DOCKER_TLS_VERIFY` and `DOCKER_CERT_PATH` as Docker's own client does. `readFile` throws when
 * a file cannot be read.
 */
export function connectionFromEnvironment(
  environment: DockerEnvironment,
  readFile: (path: string) => string,
): ConnectionChoice {
  const host = environment.host?.trim() ?? '';
  if (host === '') return { ok: true, connection: { socketPath: DEFAULT_SOCKET } };
  const [, scheme = 'tcp', rest = ''] = /^(?:([a-z]+):\/\/)?(.*)$/i.exec(host) ?? [];
  switch (scheme.toLowerCase()) {
    case 'unix':
      return rest.startsWith('/')
        ? { ok: true, connection: { socketPath: rest } }
        : refuse(`DOCKER_HOST=${host}: a unix socket needs an absolute path, as in unix://${DEFAULT_SOCKET}`);
    case 'tcp':
    case 'http':
    case 'https':
      return overNetwork(scheme.toLowerCase(), rest, environment, readFile);
    case 'ssh':
      return refuse(
        `DOCKER_HOST=${host}: ssh is not supported; forward the socket (ssh -L /run/remote.sock:${DEFAULT_SOCKET}) and use unix:///run/remote.sock`,
      );
    default:
      return refuse(`DOCKER_HOST=${host}: use unix://, tcp://, http:// or https://`);
  }
}

function overNetwork(
  scheme: string,
  rest: string,
  environment: DockerEnvironment,
  readFile: (path: string) => string,
): ConnectionChoice {
  const address = parseAddress(rest);
  if (address === undefined) return refuse(`DOCKER_HOST: "${rest}" is not a host with an optional port`);
  // As with Docker's client any value switches it on, an empty one off; `0` and `false` are taken as people mean them.
  const verify = !['', '0', 'false'].includes(environment.tlsVerify?.trim().toLowerCase() ?? '');
  const protocol = verify || scheme === 'https' ? 'https' : 'http';
  const port = address.port ?? (protocol === 'https' ? 2376 : 2375);
  const base = { host: address.host, port, protocol } as const;
  const folder = environment.certPath ?? '';
  if (protocol === 'http' || folder === '') return { ok: true, connection: base };
  try {
    return { ok: true, connection: { ...base, ...readCertificates(folder, readFile) } };
  } catch (error) {
    return refuse(`DOCKER_CERT_PATH: ${messageOf(error)}`);
  }
}

/** As with Docker's client there need not be a certificate to show; a half of one is a mistake. Throws what reading throws. */
function readCertificates(folder: string, readFile: (path: string) => string): EngineTls {
  const ca = readFile(join(folder, 'ca.pem'));
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const [cert, key] = [readIfThere(certFile, readFile), readIfThere(keyFile, readFile)];
  if (cert === undefined && key === undefined) return { ca };
  return { ca, cert: cert ?? readFile(certFile), key: key ?? readFile(keyFile) };
}

function readIfThere(path: string, readFile: (path: string) => string): string | undefined {
  try {
    return readFile(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function parseAddress(
  text: string,
): { readonly host: string; readonly port: number | undefined } | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:/[\]]+))(?::(\d{1,5}))?\/?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || (bracketed !== undefined && isIP(bracketed) !== 6)) return undefined;
  const port = digits === undefined ? undefined : Number(digits);
  return port !== undefined && (port < 1 || port > 65_535) ? undefined : { host, port };
}

function refuse(message: string): ConnectionChoice {
  return { ok: false, message };
}

import type { Binding, ContainerPort, Protocol } from '../../core/container.ts';
import { compareText } from '../../core/order.ts';

/** `80/tcp` to what the engine says about it; null or absent: exposed but not published. */
export type PortMap = Readonly<
  Record<
    string,
    readonly { readonly HostIp?: string | undefined; readonly HostPort?: string | undefined }[] | null
  >
>;

interface PortKey {
  readonly port: number;
  readonly protocol: Protocol;
}

/** Every exposed or published port with every binding, in one order: the same facts are the same array. */
export function portsOf(exposed: readonly string[], published: PortMap): ContainerPort[] {
  const ports = new Map<string, ContainerPort>();
  for (const text of [...exposed, ...Object.keys(published)]) {
    const key = parseKey(text);
    if (key === undefined) continue;
    const bindings = sortBindings(bindingsOf(published[text] ?? []));
    const known = ports.get(`${key.port}/${key.protocol}`);
    if (known === undefined || bindings.length > 0)
      ports.set(`${key.port}/${key.protocol}`, { port: key.port, protocol: key.protocol, bindings });
  }
  return [...ports.values()].sort((a, b) => a.port - b.port || compareText(a.protocol, b.protocol));
}

/**
 * What is known of the ports before the start: those that are published on a fixed host port, and those that are not
 * published at all. A port whose host port the engine still has to choose is left out, for it must not look unpublished.
 */
export function fixedPortsOf(
  exposed: readonly string[],
  requested: PortMap,
  publishAll: boolean,
): ContainerPort[] {
  const open = (text: string): boolean => {
    // An image may expose `constructor`, which every object seems to have.
    const asked = Object.hasOwn(requested, text) ? requested[text] : undefined;
    if (asked === null || asked === undefined || asked.length === 0) return publishAll;
    return !asked.every(({ HostPort }) => hostPort(HostPort) !== undefined);
  };
  return portsOf(
    exposed.filter((text) => !open(text)),
    Object.fromEntries(Object.entries(requested).filter(([text]) => !open(text))),
  );
}

function parseKey(text: string): PortKey | undefined {
  const [, digits, protocol = 'tcp'] = /^(\d{1,5})(?:\/(tcp|udp|sctp))?$/.exec(text) ?? [];
  const port = Number(digits);
  return port >= 1 && port <= 65_535 ? { port, protocol: protocol as Protocol } : undefined;
}

function bindingsOf(raw: NonNullable<PortMap[string]>): Binding[] {
  return raw.flatMap(({ HostIp, HostPort }) => {
    const number = hostPort(HostPort);
    // Podman, and a request that names no address, say "" for every address.
    return number === undefined
      ? []
      : [{ hostIp: HostIp === undefined || HostIp === '' ? '0.0.0.0' : HostIp, hostPort: number }];
  });
}

/** A single fixed port; `0`, nothing and a range (`8000-8010`) leave the choice to the engine. */
function hostPort(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,5}$/.test(text)) return undefined;
  const number = Number(text);
  return number >= 1 && number <= 65_535 ? number : undefined;
}

/** IPv4 before IPv6, each binding once. */
function sortBindings(bindings: readonly Binding[]): Binding[] {
  const unique = new Map(bindings.map((binding) => [`${binding.hostIp} ${binding.hostPort}`, binding]));
  const family = ({ hostIp }: Binding): number => (hostIp.includes(':') ? 6 : 4);
  return [...unique.values()].sort(
    (a, b) => family(a) - family(b) || compareText(a.hostIp, b.hostIp) || a.hostPort - b.hostPort,
  );
}

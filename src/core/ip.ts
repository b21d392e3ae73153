/** IP literals as the core needs them: which family, every address or only this machine. Without node:net, for the core is pure. */
export type IpFamily = 'ipv4' | 'ipv6';

const OCTET = /^(0|[1-9]\d{0,2})$/;
const GROUP = /^[0-9a-f]{1,4}$/i;

export function familyOf(ip: string): IpFamily | undefined {
  if (octetsOf(ip) !== undefined) return 'ipv4';
  return groupsOf(ip) === undefined ? undefined : 'ipv6';
}

/** `0.0.0.0` or `::`: every address of the host. */
export function isWildcard(ip: string): boolean {
  return (octetsOf(ip) ?? groupsOf(ip))?.every((part) => part === 0) ?? false;
}

/** 127.0.0.0/8, `::1`, and the former written as IPv6: reaches only the machine itself. */
export function isLoopback(ip: string): boolean {
  const octets = octetsOf(ip);
  if (octets !== undefined) return octets[0] === 127;
  const groups = groupsOf(ip);
  if (groups === undefined || groups.slice(0, 5).some((group) => group !== 0)) return false;
  const [mapped = 0, high = 0, low = 0] = groups.slice(5);
  return mapped === 0xffff ? high >> 8 === 127 : mapped === 0 && high === 0 && low === 1;
}

/** `10.0.0.1:80`, `[fd00::1]:80`. */
export function hostAndPort(ip: string, port: number): string {
  return ip.includes(':') ? `[${ip}]:${String(port)}` : `${ip}:${String(port)}`;
}

function octetsOf(ip: string): readonly number[] | undefined {
  const parts = ip.split('.');
  if (ip.length > 15 || parts.length !== 4) return undefined;
  return parts.every((part) => OCTET.test(part) && Number(part) <= 255) ? parts.map(Number) : undefined;
}

/** The eight groups of an IPv6 address. */
function groupsOf(ip: string): readonly number[] | undefined {
  if (ip.length > 45 || !ip.includes(':')) return undefined;
  const halves = ip.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = [groupsOfHalf(halves[0], halves.length === 1), groupsOfHalf(halves[1], true)];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1) return missing === 0 ? head : undefined;
  return missing < 1 ? undefined : [...head, ...Array.from({ length: missing }, () => 0), ...tail];
}

/** `last`: only the end of an address may be written as IPv4. */
function groupsOfHalf(half: string | undefined, last: boolean): readonly number[] | undefined {
  if (half === undefined || half === '') return [];
  const parts = half.split(':');
  const octets = last ? octetsOf(parts.at(-1) ?? '') : undefined;
  const plain = octets === undefined ? parts : parts.slice(0, -1);
  if (!plain.every((part) => GROUP.test(part))) return undefined;
  const groups = plain.map((part) => Number.parseInt(part, 16));
  if (octets === undefined) return groups;
  const [a = 0, b = 0, c = 0, d = 0] = octets;
  return [...groups, a * 256 + b, c * 256 + d];
}

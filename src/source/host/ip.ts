import { isIPv4, isIPv6 } from 'node:net';

/** An address as its bytes; undefined for what is none. An IPv4 address in IPv6 notation stays an IPv6 one. */
export function parseIp(text: string): readonly number[] | undefined {
  if (isIPv4(text)) return text.split('.').map(Number);
  if (!isIPv6(text) || text.includes('%')) return undefined;
  return parseIpv6(text);
}

function parseIpv6(text: string): readonly number[] {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const last = dotted?.[2]?.split('.').map(Number);
  const plain = last === undefined ? text : `${dotted?.[1] ?? ''}0:0`;
  const [head = '', tail] = plain.split('::');
  const left = groupsOf(head);
  const right = tail === undefined ? [] : groupsOf(tail);
  const gap = new Array<number>(Math.max(0, 8 - left.length - right.length)).fill(0);
  const bytes = [...left, ...gap, ...right].flatMap((group) => [group >> 8, group & 0xff]);
  return last === undefined ? bytes : [...bytes.slice(0, 12), ...last];
}

function groupsOf(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
}

export interface Cidr {
  readonly bytes: readonly number[];
  readonly bits: number;
}

export function parseCidr(text: string): Cidr | undefined {
  const [, address = '', digits] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const bytes = parseIp(address);
  const bits = Number(digits);
  return bytes === undefined || bits > bytes.length * 8 ? undefined : { bytes, bits };
}

export function isWithin(bytes: readonly number[], cidr: Cidr): boolean {
  if (bytes.length !== cidr.bytes.length) return false;
  for (let bit = 0; bit < cidr.bits; bit += 8) {
    const mask = cidr.bits - bit >= 8 ? 0xff : (0xff << (8 - (cidr.bits - bit))) & 0xff;
    const index = bit / 8;
    if (((bytes[index] ?? 0) & mask) !== ((cidr.bytes[index] ?? 0) & mask)) return false;
  }
  return true;
}

/** Numerical order, not that of the text: 10.0.0.9 comes before 10.0.0.10. */
export function compareBytes(a: readonly number[], b: readonly number[]): number {
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const difference = (a[index] ?? -1) - (b[index] ?? -1);
    if (difference !== 0) return difference;
  }
  return 0;
}

const LOCAL_ONLY = ['127.0.0.0/8', '169.254.0.0/16', '::1/128', 'fe80::/10'].map(parseCidr);
const NO_HOST = ['0.0.0.0/8', '224.0.0.0/3', '::/128', 'ff00::/8'].map(parseCidr);

/** Reachable from other hosts: neither loopback nor link-local, and the address of a host at all. */
export function isGlobal(bytes: readonly number[]): boolean {
  return isHost(bytes) && !within(bytes, LOCAL_ONLY);
}

/** Not the unspecified address, a multicast group or a broadcast. */
export function isHost(bytes: readonly number[]): boolean {
  return !within(bytes, NO_HOST);
}

function within(bytes: readonly number[], ranges: readonly (Cidr | undefined)[]): boolean {
  return ranges.some((range) => range !== undefined && isWithin(bytes, range));
}

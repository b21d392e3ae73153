import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fail, ok, type Result } from '../../core/failure.ts';
import { type AdvertiseRule, type HostReaders, resolveAddresses } from './addresses.ts';
import {
  advertiseProblem,
  detectEnvironment,
  type EngineWitness,
  type EnvironmentReaders,
  isInsideContainer,
  ownContainerId,
} from './environment.ts';
import { compareBytes, isGlobal, isWithin, parseCidr, parseIp } from './ip.ts';

const ROUTES = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
wlan0	00000000	0101A8C0	0003	0	0	600	00000000	0	0	0
eth0	00000000	010200C0	0003	0	0	100	00000000	0	0	0
eth0	0000A8C0	00000000	0001	0	0	100	00FFFFFF	0	0	0
docker0	000011AC	00000000	0001	0	0	0	0000FFFF	0	0	0
`;

const route6 = (metric: string, flags: string, device: string, destination = '0'.repeat(32), length = '00') =>
  `${destination} ${length} ${'0'.repeat(32)} 00 fe800000000000000000000000000001 ${metric} 00000001 00000000 ${flags} ${device}\n`;

const INTERFACES: Record<string, string[]> = {
  lo: ['127.0.0.1', '::1'],
  wlan0: ['192.168.1.20'],
  eth0: ['192.168.0.10', '192.168.0.9', 'fe80::1', '2001:db8::10', '2001:db8::9'],
  docker0: ['172.17.0.1'],
  eth1: ['10.1.2.3', 'fd00::5'],
  bare: ['169.254.3.4', 'fe80::2'],
};

function host(
  files: Record<string, string> = { '/proc/net/route': ROUTES },
  interfaces = INTERFACES,
): HostReaders {
  return {
    interfaces: () =>
      Object.fromEntries(
        Object.entries(interfaces).map(([name, addresses]) => [
          name,
          addresses.map((address) => ({ address, internal: name === 'lo' })),
        ]),
      ),
    readText: (path) => files[path],
  };
}

const literal = (ip: string): AdvertiseRule => ({ type: 'literal', ip });
const byInterface = (name: string): AdvertiseRule => ({ type: 'interface', name });
const byCidr = (cidr: string): AdvertiseRule => ({ type: 'cidr', cidr });

describe('resolveAddresses', () => {
  it('takes the interface of the best default route, and its lowest address by number', () => {
    expect(resolveAddresses([], host())).toEqual({
      ok: true,
      value: { ipv4: '192.168.0.9', ipv6: undefined, origin: 'default route eth0' },
    });
  });

  it('goes by each family own default route', () => {
    const files = {
      '/proc/net/route': ROUTES,
      '/proc/net/ipv6_route':
        route6('00000001', '00200200', 'eth0') +
        route6('00000400', '00000003', 'eth1') +
        route6('ffffffff', '00200200', 'lo'),
    };
    expect(resolveAddresses([], host(files))).toMatchObject({
      value: { ipv4: '192.168.0.9', ipv6: 'fd00::5', origin: 'default route eth0, eth1' },
    });
  });

  it('passes over IPv6 addresses that do not last', () => {
    const files = {
      '/proc/net/ipv6_route': route6('00000400', '00000003', 'eth0'),
      '/proc/net/if_inet6': '20010db8000000000000000000000009 02 40 00 01     eth0\n',
    };
    expect(resolveAddresses([], host(files))).toMatchObject({
      value: { ipv4: undefined, ipv6: '2001:db8::10' },
    });
  });

  it('passes over a default route whose interface has no address', () => {
    const files = { '/proc/net/route': ROUTES.replace('eth0\t00000000', 'bare\t00000000') };
    expect(resolveAddresses([], host(files))).toMatchObject({ value: { ipv4: '192.168.1.20' } });
  });

  it('refuses to guess without a default route, and says what to set', () => {
    const result = resolveAddresses([], host({}));
    expect(result).toMatchObject({ ok: false, problem: { code: 'no-default-route' } });
    expect(JSON.stringify(result)).toContain('--advertise (PORTOLAN_ADVERTISE)');
  });

  it('takes interface, network and literal', () => {
    expect(resolveAddresses([byInterface('eth1')], host())).toMatchObject({
      value: { ipv4: '10.1.2.3', ipv6: 'fd00::5', origin: 'interface eth1' },
    });
    expect(resolveAddresses([byCidr('192.168.0.0/16')], host())).toMatchObject({
      value: { ipv4: '192.168.0.9', ipv6: undefined, origin: 'cidr 192.168.0.0/16' },
    });
    expect(resolveAddresses([literal('203.0.113.7')], host())).toMatchObject({
      value: { ipv4: '203.0.113.7', ipv6: undefined, origin: 'literal' },
    });
  });

  it('fills each family with the first rule that matches', () => {
    const rules = [byInterface('absent'), literal('203.0.113.7'), byInterface('eth1')];
    expect(resolveAddresses(rules, host())).toEqual({
      ok: true,
      value: { ipv4: '203.0.113.7', ipv6: 'fd00::5', origin: 'literal, interface eth1' },
    });
  });

  it.each([
    [byInterface('absent'), 'no-such-interface'],
    [byInterface('bare'), 'no-address-on-interface'],
    [byCidr('198.51.100.0/24'), 'no-address-in-cidr'],
    [byCidr('10.0.0.0/33'), 'bad-advertise'],
    [literal('0.0.0.0'), 'bad-advertise'],
    [literal('::'), 'bad-advertise'],
    [literal('224.0.0.1'), 'bad-advertise'],
    [literal('host.example'), 'bad-advertise'],
    [literal('fe80::1%eth0'), 'bad-advertise'],
  ] as const)('%j is %s', (rule, code) => {
    expect(resolveAddresses([rule], host())).toMatchObject({ ok: false, problem: { code } });
  });

  it('gives the same answer whatever the order of interfaces and addresses', () => {
    const entries = Object.entries(INTERFACES);
    const anyOrder = fc
      .shuffledSubarray(entries, { minLength: entries.length })
      .chain((shuffled) =>
        fc.tuple(
          ...shuffled.map(([name, addresses]) =>
            fc
              .shuffledSubarray(addresses, { minLength: addresses.length })
              .map((one) => [name, one] as const),
          ),
        ),
      );
    const rules = [byCidr('0.0.0.0/0'), byCidr('::/0')];
    const expected = [resolveAddresses([], host()), resolveAddresses(rules, host())];
    fc.assert(
      fc.property(anyOrder, (order) => {
        const shuffled = host(undefined, Object.fromEntries(order));
        expect([resolveAddresses([], shuffled), resolveAddresses(rules, shuffled)]).toEqual(expected);
      }),
    );
  });
});

describe('addresses as numbers', () => {
  it('reads every IPv4 and IPv6 address that there is', () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        expect(parseIp(text)).toHaveLength(16);
      }),
    );
    fc.assert(
      fc.property(fc.ipV4(), (text) => {
        expect(parseIp(text)?.join('.')).toBe(text);
      }),
    );
    expect(parseIp('::ffff:1.2.3.4')?.slice(10)).toEqual([255, 255, 1, 2, 3, 4]);
    expect(parseIp('1:2::8')).toEqual([0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8]);
    expect(parseIp('1.2.3')).toBeUndefined();
  });

  it('knows networks and order', () => {
    const within = (address: string, cidr: string) => isWithin(parseIp(address)!, parseCidr(cidr)!);
    expect(within('10.1.2.3', '10.0.0.0/8')).toBe(true);
    expect(within('10.1.2.3', '10.1.2.0/30')).toBe(true);
    expect(within('10.1.2.4', '10.1.2.0/30')).toBe(false);
    expect(within('10.1.2.3', '::/0')).toBe(false);
    expect(compareBytes(parseIp('10.0.0.9')!, parseIp('10.0.0.10')!)).toBeLessThan(0);
    expect(
      ['127.0.0.1', '169.254.1.1', 'fe80::1', '::1', '0.0.0.0'].some((text) => isGlobal(parseIp(text)!)),
    ).toBe(false);
    expect(['10.0.0.1', 'fd00::1', '2001:db8::1'].every((text) => isGlobal(parseIp(text)!))).toBe(true);
  });
});

const ID = 'ab'.repeat(32);
const MOUNTS = `36 35 98:0 / / rw - overlay overlay rw
40 36 8:1 /var/lib/docker/containers/${ID}/hostname /etc/hostname rw - ext4 /dev/sda1 rw
`;

function process(files: Record<string, string>, name = 'agent'): EnvironmentReaders {
  return { exists: (path) => path in files, readText: (path) => files[path], hostname: () => name };
}

function engine(networkMode: string | undefined, name: string | undefined = 'the-host'): EngineWitness {
  const description = networkMode === undefined ? undefined : { HostConfig: { NetworkMode: networkMode } };
  return {
    inspect: (): Promise<Result<unknown>> => Promise.resolve(ok(description)),
    info: () => Promise.resolve(ok({ name })),
  };
}

const broken: EngineWitness = {
  inspect: () => Promise.resolve(fail('docker-unreachable')),
  info: () => Promise.resolve(fail('docker-unreachable')),
};

describe('environment', () => {
  const never = new AbortController().signal;
  const inside = { '/.dockerenv': '', '/proc/self/mountinfo': MOUNTS };
  const networkOf = async (files: Record<string, string>, witness: EngineWitness, name?: string) =>
    (await detectEnvironment(process(files, name), witness, never)).network;

  it('finds the own container by what the engine mounts into it', () => {
    expect(ownContainerId(process(inside))).toBe(ID);
    const podman = MOUNTS.replace('/var/lib/docker/containers', '/run/containers/storage/overlay-containers');
    expect(ownContainerId(process({ '/proc/self/mountinfo': podman }))).toBe(ID);
    expect(isInsideContainer(process({ '/run/.containerenv': '' }))).toBe(true);
  });

  it('does not take a host for a container because it sees folders of its containers', () => {
    const hostMounts = `90 36 0:40 / /var/lib/docker/containers/${ID}/mounts/shm rw - tmpfs shm rw\n`;
    const readers = process({ '/proc/self/mountinfo': hostMounts });
    expect(isInsideContainer(readers)).toBe(false);
  });

  it('asks the engine about the own network', async () => {
    expect(await networkOf({}, broken)).toBe('shared');
    expect(await networkOf(inside, engine('host'))).toBe('shared');
    expect(await networkOf(inside, engine('bridge'))).toBe('own');
    expect(await networkOf(inside, broken)).toBe('unknown');
  });

  it('takes an engine that does not know us for a neighbour if it has our name', async () => {
    expect(await networkOf(inside, engine(undefined, 'agent'))).toBe('shared');
    expect(await networkOf(inside, engine(undefined, 'other'))).toBe('own');
    expect(await networkOf({ '/.dockerenv': '' }, engine('host', 'agent'))).toBe('shared');
  });

  it('refuses to guess from within a container', async () => {
    const own = await detectEnvironment(process(inside), engine('bridge'), never);
    expect(own).toEqual({ insideContainer: true, containerId: ID, network: 'own' });
    expect(advertiseProblem(own, [])?.message).toContain('--advertise ADDRESS (PORTOLAN_ADVERTISE)');
    expect(advertiseProblem(own, [byInterface('eth0')])?.code).toBe('inside-container');
    expect(advertiseProblem(own, [literal('10.0.0.1')])).toBeUndefined();
    expect(advertiseProblem({ ...own, network: 'shared' }, [])).toBeUndefined();
  });
});

import { describe, expect, it } from 'vitest';
import { container } from '../../test/kit/containers.ts';
import { chooseAddresses } from './address.ts';
import type { AddressContext } from './address-choice.ts';
import type { Binding, Container, ContainerNetwork, Protocol } from './container.ts';
import type { Service } from './service.ts';

const service = (over: Partial<Service> = {}): Service => ({
  dialect: 'published',
  path: ['web'],
  port: 80,
  protocol: 'tcp',
  type: 'TCP',
  tags: [],
  weight: undefined,
  address: undefined,
  network: undefined,
  family: undefined,
  ...over,
});
const context = (over: Partial<AddressContext> = {}): AddressContext => ({
  host: { ipv4: '10.0.0.5', ipv6: undefined, origin: 'default route eth0' },
  defaults: { address: 'host', network: undefined, family: 'both' },
  find: () => undefined,
  ...over,
});
const both = { ipv4: '10.0.0.5', ipv6: '2001:db8::5', origin: 'interface eth0' };
const bound = (...bindings: Binding[]): Partial<Container> => ({
  ports: [{ port: 80, protocol: 'tcp', bindings }],
});
const at = (hostIp: string, hostPort: number): Binding => ({ hostIp, hostPort });
const exposed = (protocol: Protocol = 'tcp') => [{ port: 80, protocol, bindings: [] }];
const network = (name: string, over: Partial<ContainerNetwork> = {}): ContainerNetwork => ({
  name,
  driver: 'bridge',
  ipv4: undefined,
  ipv6: undefined,
  ...over,
});

/** `ip:port` of each address, or the codes of the reasons for which there is none. */
function answer(of: Partial<Container>, its: Partial<Service> = {}, over: Partial<AddressContext> = {}) {
  const { chosen, reasons } = chooseAddresses(service(its), container(1, of), context(over));
  const told = chosen.map(
    ({ ip, port, scope, n }) => `${ip} ${port}${scope === 'host' ? ' host' : ''} #${n}`,
  );
  return {
    addresses: told,
    codes: reasons.map(({ code }) => code),
    why: [...chosen.map(({ why }) => why.message), ...reasons.map(({ message }) => message)].join('\n'),
  };
}

describe('the address of a published port', () => {
  it('is the host’s for a wildcard binding, and says which and why', () => {
    const { addresses, why } = answer(bound(at('0.0.0.0', 32768)));
    expect(addresses).toEqual(['10.0.0.5 32768 #0']);
    expect(why).toContain('10.0.0.5:32768');
    expect(why).toContain('default route eth0');
  });

  it('is one per binding and family, each with its own port', () => {
    const of = bound(at('::', 8081), at('0.0.0.0', 8080), at('192.0.2.7', 9000));
    expect(answer(of, {}, { host: both }).addresses).toEqual([
      '10.0.0.5 8080 #0',
      '192.0.2.7 9000 #1',
      '2001:db8::5 8081 #2',
    ]);
  });

  it('takes an empty host address for every IPv4 address, once', () => {
    expect(answer(bound(at('', 8080), at('0.0.0.0', 8080))).addresses).toEqual(['10.0.0.5 8080 #0']);
  });

  it('leaves the IPv6 wildcard out, with a reason, when the host has no IPv6 address', () => {
    const { addresses, codes, why } = answer(bound(at('0.0.0.0', 8080), at('::', 8080)));
    expect([addresses, codes]).toEqual([['10.0.0.5 8080 #0'], ['no-host-address']]);
    expect(why).toContain('[::]:8080');
  });

  it('is a concrete host address as it is, even when no address of the host is known', () => {
    expect(answer(bound(at('192.0.2.7', 80)), {}, { host: undefined }).addresses).toEqual([
      '192.0.2.7 80 #0',
    ]);
  });

  it('refuses to guess the host’s address and says which setting to give', () => {
    const { addresses, codes, why } = answer(bound(at('0.0.0.0', 80)), {}, { host: undefined });
    expect([addresses, codes]).toEqual([[], ['no-host-address']]);
    expect(why).toContain('PORTOLAN_ADVERTISE');
  });

  it('never leaves this host when the port is published on loopback only', () => {
    for (const ip of ['127.0.0.1', '127.3.2.1', '::1']) {
      const { chosen } = chooseAddresses(service(), container(1, bound(at(ip, 8080))), context());
      expect(chosen).toMatchObject([{ ip, scope: 'host', why: { code: 'loopback-only' } }]);
    }
  });

  it('lists loopback after what other hosts can reach', () => {
    expect(answer(bound(at('127.0.0.1', 1), at('192.0.2.7', 2))).addresses).toEqual([
      '192.0.2.7 2 #0',
      '127.0.0.1 1 host #1',
    ]);
  });

  it('takes an advertised loopback address at its word', () => {
    const host = { ipv4: '127.0.0.1', ipv6: undefined, origin: 'literal' };
    expect(answer(bound(at('0.0.0.0', 80)), {}, { host }).addresses).toEqual(['127.0.0.1 80 #0']);
  });

  it('keeps to the family asked for', () => {
    const of = bound(at('0.0.0.0', 8080), at('::', 8080));
    expect(answer(of, { family: 'ipv6' }, { host: both }).addresses).toEqual(['2001:db8::5 8080 #1']);
    expect(answer(of, { family: 'ipv4' }, { host: both }).addresses).toEqual(['10.0.0.5 8080 #0']);
    expect(answer(bound(at('0.0.0.0', 80)), { family: 'ipv6' }).codes).toEqual(['no-address-of-family']);
    expect(
      answer(bound(at('0.0.0.0', 80)), {}, { defaults: { ...context().defaults, family: 'ipv6' } }).codes,
    ).toEqual(['no-address-of-family']);
  });

  it('is found for UDP, and not confused with TCP on the same number', () => {
    const ports = [
      { port: 53, protocol: 'udp', bindings: [at('0.0.0.0', 5353)] },
      { port: 53, protocol: 'tcp', bindings: [at('0.0.0.0', 5300)] },
    ] as const;
    expect(answer({ ports }, { port: 53, protocol: 'udp', type: 'UDP' }).addresses).toEqual([
      '10.0.0.5 5353 #0',
    ]);
  });

  it('skips a binding that is no address and port', () => {
    for (const binding of [
      at('evil\nline', 80),
      at('0.0.0.0', 0),
      at('0.0.0.0', 70_000),
      at('fe80::1%eth0', 80),
    ])
      expect(answer(bound(binding)).codes).toEqual(['no-host-address']);
  });

  it('is missing for a port that is not published, with the remedy', () => {
    const { codes, why } = answer({
      ports: [...exposed(), { port: 81, protocol: 'tcp', bindings: [at('0.0.0.0', 81)] }],
    });
    expect(codes).toEqual(['not-published']);
    expect(why).toContain('portolan.address=container');
    expect(why).toContain('published: 81/tcp');
  });

  it('is left out for SCTP', () => {
    expect(answer({}, { protocol: 'sctp' }).codes).toEqual(['protocol-unsupported']);
  });
});

describe('the address of a port that needs no publishing', () => {
  it('is the host’s, with the container port, on the host’s network', () => {
    const of = { networkMode: 'host', ports: exposed(), networks: [network('host', { driver: 'host' })] };
    expect(answer(of, {}, { host: both }).addresses).toEqual(['10.0.0.5 80 #0', '2001:db8::5 80 #1']);
    expect(answer(of, { address: 'container' }).addresses).toEqual(['10.0.0.5 80 #0']);
    expect(answer({ ...of, provisional: true }).addresses).toEqual(['10.0.0.5 80 #0']);
    expect(answer(of, {}, { host: undefined }).codes).toEqual(['no-host-address']);
    expect(answer(of, { family: 'ipv6' }).codes).toEqual(['no-host-address']);
  });

  it('is the container’s own on macvlan and ipvlan', () => {
    for (const driver of ['macvlan', 'ipvlan']) {
      const of = {
        networkMode: 'lan',
        ports: exposed(),
        networks: [network('a'), network('lan', { driver, ipv4: '192.0.2.40', ipv6: '2001:db8::40' })],
      };
      expect(answer(of).addresses).toEqual(['192.0.2.40 80 #0', '2001:db8::40 80 #1']);
      expect(
        answer(of, {}, { defaults: { ...context().defaults, network: 'elsewhere' } }).addresses,
      ).toHaveLength(2);
      expect(answer(of, { address: 'host' }).codes).toEqual(['not-published']);
      expect(answer({ ...of, provisional: true }).codes).toEqual(['provisional']);
    }
  });

  it('is nobody’s for Swarm’s ingress, told by label or network', () => {
    const labels = new Map([['com.docker.swarm.service.name', 'web']]);
    expect(answer({ ports: exposed(), labels }).codes).toEqual(['swarm-ingress']);
    expect(
      answer({ ports: exposed(), networks: [network('ingress', { driver: 'overlay', ipv4: '10.255.0.3' })] })
        .codes,
    ).toEqual(['swarm-ingress']);
    expect(answer({ ...bound(at('0.0.0.0', 80)), labels }).addresses).toEqual(['10.0.0.5 80 #0']);
  });
});

describe('the container’s own address', () => {
  const own = { address: 'container' } as const;
  const two = [
    network('front', { ipv4: '172.20.0.2' }),
    network('back', { ipv4: '172.21.0.2', ipv6: 'fd00::2' }),
  ];

  it('is that of the only network, in every family it has', () => {
    expect(answer({ networks: [two[1]!] }, own).addresses).toEqual(['172.21.0.2 80 #0', 'fd00::2 80 #1']);
    expect(answer({ networks: [two[1]!] }, { ...own, family: 'ipv6' }).addresses).toEqual(['fd00::2 80 #1']);
    expect(answer({ networks: [two[0]!] }, { ...own, family: 'ipv6' }).codes).toEqual([
      'no-address-of-family',
    ]);
  });

  it('is that of the network chosen by label, then by setting', () => {
    const defaults = { address: 'container', network: 'front', family: 'ipv4' } as const;
    expect(answer({ networks: two }, {}, { defaults }).addresses).toEqual(['172.20.0.2 80 #0']);
    expect(answer({ networks: two }, { network: 'back' }, { defaults }).addresses).toEqual([
      '172.21.0.2 80 #0',
    ]);
  });

  it('is that of the first network by name, and tells that there are others', () => {
    const { addresses, why } = answer({ networks: two }, own);
    expect(addresses).toEqual(['172.21.0.2 80 #0', 'fd00::2 80 #1']);
    expect(why).toContain('the first by name of "back", "front"');
  });

  it('names the networks there are when the chosen one is not among them', () => {
    const { codes, why } = answer({ networks: two }, { ...own, network: 'side' });
    expect(codes).toEqual(['network-not-found']);
    expect(why).toContain('"back", "front"');
  });

  it('is never one on ingress, and none without a network', () => {
    const ingress = network('ingress', { ipv4: '10.255.0.3' });
    expect(answer({ networks: [ingress, two[0]!] }, own).addresses).toEqual(['172.20.0.2 80 #0']);
    expect(answer({ networks: [ingress] }, { ...own, network: 'ingress' }).codes).toEqual([
      'network-not-found',
    ]);
    expect(answer({ networks: [ingress] }, own).codes).toEqual(['no-network']);
    expect(answer({ networkMode: 'none', networks: [] }, own).codes).toEqual(['no-network']);
  });

  it('waits until it is known', () => {
    expect(answer({ networks: two, provisional: true }, own).codes).toEqual(['provisional']);
  });

  it('is refused when it is no address', () => {
    for (const ipv4 of ['', '0.0.0.0', '127.0.0.1', 'x\ny', 'fd00::1'])
      expect(answer({ networks: [network('n', { ipv4 })] }, own).codes).toEqual(['no-network']);
  });
});

describe('the address under network_mode container:X', () => {
  const owner = container(7, { name: 'pause', ...bound(at('0.0.0.0', 8080)) });
  const find = (id: string) => (id === owner.id ? owner : undefined);
  const sidecar = { networkMode: `container:${owner.id}`, networks: [], ports: [] };

  it('is made from the ports, bindings and networks of X', () => {
    const { addresses, why } = answer(sidecar, {}, { find });
    expect(addresses).toEqual(['10.0.0.5 8080 #0']);
    expect(why).toContain('of pause');
    expect(answer(sidecar, { address: 'container' }, { find }).addresses).toEqual(['172.17.0.2 80 #0']);
  });

  it('is the host’s when X uses the host’s network', () => {
    expect(answer(sidecar, {}, { find: () => ({ ...owner, networkMode: 'host' }) }).addresses).toEqual([
      '10.0.0.5 80 #0',
    ]);
  });

  it('is unknown while X is unknown, does not run, or itself shares a network', () => {
    for (const other of [
      undefined,
      { ...owner, state: 'exited' as const },
      { ...owner, networkMode: 'container:abc' },
    ])
      expect(answer(sidecar, {}, { find: () => other }).codes).toEqual(['network-owner-unknown']);
  });
});

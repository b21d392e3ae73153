import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../kit/ports.ts';
import { host, Lab, sees } from './lab.ts';

const execute = promisify(execFile);

/** A pair of links that no cable leads out of: a parent for macvlan networks. */
const link = `pt${process.pid}`;

describe('the address of a container', () => {
  let lab: Lab;
  beforeAll(async () => {
    await execute('ip', ['link', 'add', `${link}a`, 'type', 'veth', 'peer', 'name', `${link}b`]);
    await execute('ip', ['link', 'set', `${link}a`, 'up']);
    lab = await Lab.open();
  });
  afterAll(async () => {
    try {
      await lab.close();
    } finally {
      await execute('ip', ['link', 'del', `${link}a`]);
    }
  });

  it('is the host itself with the network of the host', async () => {
    const port = await freePort();
    const { path, short } = await lab.run('host-net', {
      network: 'host',
      extra: { ExposedPorts: { [`${port}/tcp`]: {} } },
    });
    // The image exposes further ports, so each has a path of its own.
    await lab.offers(`${path}/${port}`, {
      [short]: { IP: host.ipv4, EXT_PORT: String(port), PORT: String(port) },
      [`${short}-${port}-tcp-1`]: { IP: host.ipv6, EXT_PORT: String(port) },
    });
    const announced = `/${lab.name('host-announced')}`;
    const env = { ANNOUNCE_PATH: announced, PORT: String(port), TYPE: 'HTTP' };
    const variables = await lab.run('host-env', { network: 'host', env });
    await lab.offers(announced, {
      [variables.short]: { IP: host.ipv4, EXT_PORT: String(port), TYPE: 'HTTP' },
      [`${variables.short}-${port}-tcp-1`]: { IP: host.ipv6 },
    });
  });

  it('is that of the container whose network it shares', async () => {
    const port = await freePort();
    const owner = await lab.run('net-owner', {
      ports: { '81/tcp': { HostIp: '0.0.0.0', HostPort: String(port) } },
      labels: { 'portolan.enable': 'false' },
    });
    const path = `/${lab.name('shared')}`;
    const env = { ANNOUNCE_PATH: path, PORT: '81' };
    const { short, container } = await lab.run('net-sharer', { network: `container:${owner.id}`, env });
    await lab.offers(path, { [short]: { IP: host.ipv4, PORT: '81', EXT_PORT: String(port) } });
    await owner.container.kill();
    await lab.forgets(path);
    expect((await container.inspect()).State.Running).toBe(true);
    expect(await lab.explain(short)).toContain('shares the network of container');
  });

  it('is its own with macvlan, without any published port', async () => {
    const name = lab.name('macvlan');
    const subnet = `10.231.${process.pid % 250}.0/24`;
    await lab.docker.network(name, {
      Driver: 'macvlan',
      Options: { parent: `${link}a` },
      IPAM: { Driver: 'default', Config: [{ Subnet: subnet }] },
    });
    const { path, short, container } = await lab.run('on-macvlan', {
      network: name,
      extra: { ExposedPorts: { '8080/tcp': {} } },
    });
    const IP = (await container.inspect()).NetworkSettings.Networks[name]?.IPAddress;
    expect(IP).toMatch(/^10\.231\./);
    await lab.offers(`${path}/8080`, { [short]: { IP, EXT_PORT: '8080' } });
    const env = { ANNOUNCE_PATH: `/${lab.name('mac-env')}`, PORT: '9000' };
    const variables = await lab.run('mac-variables', { network: name, env });
    await lab.offers(`/${lab.name('mac-env')}`, { [variables.short]: { EXT_PORT: '9000' } });
  });

  it('serves UDP beside TCP', async () => {
    const [tcp, udp] = [await freePort(), await freePort()];
    const { path, short } = await lab.run('dns', {
      ports: {
        '53/tcp': { HostIp: '0.0.0.0', HostPort: String(tcp) },
        '53/udp': { HostIp: '0.0.0.0', HostPort: String(udp) },
      },
    });
    await lab.offers(path, {
      [`53/${short}`]: { TYPE: 'TCP', PORT: '53', EXT_PORT: String(tcp) },
      [`53-udp/${short}`]: { TYPE: 'UDP', PORT: '53', EXT_PORT: String(udp) },
    });
    const only = await lab.run('dns-only', {
      ports: { '53/udp': { HostIp: '0.0.0.0', HostPort: '' } },
      labels: { 'portolan.path': `/${lab.name('resolver')}` },
    });
    await lab.offers(`/${lab.name('resolver')}`, { [only.short]: { TYPE: 'UDP', PORT: '53' } });
  });

  it('is never told to others when it is published on loopback only', async () => {
    const { path, short, name } = await lab.run('loopback', {
      ports: { '80/tcp': { HostIp: '127.0.0.1', HostPort: '' } },
    });
    const later = await lab.run('after-loopback', { ports: { '80/tcp': { HostIp: '0.0.0.0' } } });
    await lab.offers(later.path, { [later.short]: {} });
    await sees(async () => {
      expect(await lab.explain(name)).toMatch(/127\.0\.0\.1.*only this host can reach/);
    });
    expect(await lab.explain(short)).toContain('a loopback address is never announced to other hosts');
    expect(Object.keys(await lab.registry.dump()).filter((key) => key.includes(path))).toEqual([]);
    expect(lab.registry.history.filter(({ key }) => key.includes(path))).toEqual([]);
  });

  it('is every binding of a port, not the first', async () => {
    const [a, b] = [await freePort(), await freePort()].sort((x, y) => x - y);
    const { path, short } = await lab.run('twice', {
      ports: {
        '80/tcp': [
          { HostIp: '0.0.0.0', HostPort: String(b) },
          { HostIp: '0.0.0.0', HostPort: String(a) },
        ],
      },
    });
    await lab.offers(path, {
      [short]: { IP: host.ipv4, EXT_PORT: String(a) },
      [`${short}-80-tcp-1`]: { IP: host.ipv4, EXT_PORT: String(b) },
    });
  });

  it('is IPv6 where the port is bound to IPv6, and both where it is bound to both', async () => {
    const port = await freePort();
    const six = await lab.run('six', { ports: { '80/tcp': { HostIp: '::', HostPort: String(port) } } });
    await lab.offers(six.path, { [six.short]: { IP: host.ipv6, EXT_PORT: String(port) } });
    const both = await lab.run('both', { ports: { '80/tcp': { HostIp: '', HostPort: '' } } });
    await lab.offers(both.path, {
      [both.short]: { IP: host.ipv4 },
      [`${both.short}-80-tcp-1`]: { IP: host.ipv6 },
    });
    const labels = { 'portolan.family': 'ipv6' };
    const one = await lab.run('family', { ports: { '80/tcp': { HostIp: '', HostPort: '' } }, labels });
    await lab.offers(one.path, { [one.short]: { IP: host.ipv6 } });
  });

  it('stands under the host name if one was set', async () => {
    const ports = { '80/tcp': { HostIp: '0.0.0.0', HostPort: '' } };
    const { path } = await lab.run('named', { ports, hostname: 'db-1' });
    await lab.offers(path, { 'db-1': { ID: 'db-1' } });
  });

  it('keeps the key of the older of two containers with one host name and one path', async () => {
    const path = `/${lab.name('disputed')}`;
    const spec = (port: number) => ({
      hostname: 'twin',
      env: { ANNOUNCE_PATH: path, PORT: '80' },
      ports: { '80/tcp': { HostIp: '0.0.0.0', HostPort: String(port) } },
    });
    const [first, second] = [await freePort(), await freePort()];
    const older = await lab.run('older', spec(first));
    const newer = await lab.run('newer', spec(second));
    await sees(async () => {
      expect(await lab.explain(newer.name)).toMatch(/conflict/);
    });
    await lab.offers(path, { twin: { EXT_PORT: String(first) } });
    expect(await lab.explain(newer.name)).toContain(older.name);
    await older.container.remove({ force: true });
    await lab.offers(path, { twin: { EXT_PORT: String(second) } });
    expect(await lab.explain(newer.name)).not.toMatch(/conflict/);
  });
});

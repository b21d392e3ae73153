import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { host, Lab, type Running, sees } from './lab.ts';

const ports = { '80/tcp': { HostIp: '0.0.0.0', HostPort: '' } };

describe('a container that changes while it runs', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.open({ args: ['--drain-time', '2s'] });
  });
  afterAll(async () => {
    await lab.close();
  });

  /** Waits until the container is announced and not offered. */
  const announcedOnly = async ({ path, short }: Running): Promise<void> => {
    await sees(async () => {
      expect(Object.keys(await lab.registry.announced(path))).toEqual([short]);
      expect(await lab.services(path)).toEqual({});
    });
  };

  it('leaves rotation while it is paused', async () => {
    const paused = await lab.run('paused', { ports });
    await lab.offers(paused.path, { [paused.short]: { state: 'registered' } });
    await paused.container.pause();
    await announcedOnly(paused);
    await paused.container.unpause();
    await lab.offers(paused.path, { [paused.short]: { state: 'registered' } });
  });

  it('is offered only while it is healthy, and drains when it falls ill', async () => {
    // Failures during the start period do not count, so it stays `starting` until the file is there.
    const check = { Test: ['CMD-SHELL', 'busybox test -e /well'], Interval: 200e6, Timeout: 5e9, Retries: 1 };
    const extra = { Healthcheck: { ...check, StartPeriod: 120e9 } };
    const checked = await lab.run('checked', { ports, extra });
    const { path, short, container } = checked;
    await announcedOnly(checked);
    expect((await container.inspect()).State.Health?.Status).toBe('starting');
    await lab.docker.exec(container, 'busybox touch /well');
    await lab.offers(path, { [short]: { state: 'registered' } });
    await lab.docker.exec(container, 'busybox rm /well');
    await lab.offers(path, { [short]: { state: 'draining', cause: 'unhealthy' } });
    expect(Object.keys(await lab.registry.announced(path))).toEqual([short]);
    await lab.docker.exec(container, 'busybox touch /well');
    await lab.offers(path, { [short]: { state: 'registered' } });
    expect((await lab.services(path))[short]).not.toHaveProperty('cause');
    // Who stays ill for longer than the drain time is offered no more, and comes back when well.
    await lab.docker.exec(container, 'busybox rm /well');
    await announcedOnly(checked);
    await lab.docker.exec(container, 'busybox touch /well');
    await lab.offers(path, { [short]: { state: 'registered' } });
    const states = lab.registry.historyOf(`/services${path}/${short}`).map(({ value }) => value?.['state']);
    expect(states).toEqual([
      ...['registered', 'draining', 'registered'],
      ...['draining', undefined, 'registered'],
    ]);
  });

  it('moves to the path of its new name', async () => {
    const { path, short, container } = await lab.run('before', { ports });
    await lab.offers(path, { [short]: { state: 'registered' } });
    const name = lab.name('after');
    await container.rename({ name });
    await lab.offers(`/${name}`, { [short]: { SERVICE: name, state: 'registered' } });
    await lab.forgets(path);
  });

  it('keeps the path that a label gives when it is renamed', async () => {
    const path = `/${lab.name('fixed')}`;
    const { short, container } = await lab.run('labelled', { ports, labels: { 'portolan.path': path } });
    await lab.offers(path, { [short]: {} });
    const written = lab.registry.historyOf(`/services${path}/${short}`).length;
    await container.rename({ name: lab.name('relabelled') });
    await sees(async () => {
      expect(await lab.explain(short)).toContain(lab.name('relabelled'));
    });
    expect(lab.registry.historyOf(`/services${path}/${short}`)).toHaveLength(written);
  });

  it('follows the networks it is connected to, when its own address counts', async () => {
    const [first, second] = await Promise.all(
      ['net-a', 'net-b'].map((name) => lab.docker.network(lab.name(name))),
    );
    const labels = { 'portolan.address': 'container', 'portolan.network': lab.name('net-b') };
    const { path, short, container } = await lab.run('moving', {
      labels,
      network: lab.name('net-a'),
      extra: { ExposedPorts: { '8080/tcp': {} } },
    });
    const later = await lab.run('moving-later', { ports });
    await lab.offers(later.path, { [later.short]: {} });
    expect(await lab.services(path)).toEqual({});
    expect(await lab.explain(short)).toContain(lab.name('net-b'));

    await second?.connect({ Container: container.id });
    const { Networks } = (await container.inspect()).NetworkSettings;
    const IP = Networks[lab.name('net-b')]?.IPAddress;
    await lab.offers(`${path}/8080`, { [short]: { IP, EXT_PORT: '8080', PORT: '8080' } });

    await second?.disconnect({ Container: container.id });
    await lab.forgets(path);
    await first?.disconnect({ Container: container.id });
    await second?.connect({ Container: container.id });
    await lab.offers(`${path}/8080`, { [short]: { EXT_PORT: '8080' } });
  });

  it('loses its published port with its network, and has it again with it', async () => {
    const { path, short, container } = await lab.run('unplugged', { ports });
    await lab.offers(path, { [short]: { IP: host.ipv4, state: 'registered' } });
    const bridge = lab.docker.api.getNetwork('bridge');
    await bridge.disconnect({ Container: container.id });
    await lab.forgets(path);
    await bridge.connect({ Container: container.id });
    const port = String(await lab.docker.publishedPort(container, '80/tcp'));
    await lab.offers(path, { [short]: { IP: host.ipv4, EXT_PORT: port } });
  });

  it('keeps the first of its networks by name when it joins a further one', async () => {
    const labels = { 'portolan.address': 'container' };
    const { path, short, container } = await lab.run('joining', { ports, labels });
    const { Networks } = (await container.inspect()).NetworkSettings;
    const IP = Networks['bridge']?.IPAddress;
    await lab.offers(`${path}/80`, { [short]: { IP, EXT_PORT: '80' } });
    expect(IP).not.toBe(host.ipv4);
    const network = await lab.docker.network(lab.name('net-c'));
    await network.connect({ Container: container.id });
    await sees(async () => {
      expect(await lab.explain(short)).toContain(lab.name('net-c'));
    });
    await lab.offers(`${path}/80`, { [short]: { IP } });
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUSY_MS } from '../kit/allowance.ts';
import { metricsOf } from '../kit/control.ts';
import { valueOf } from '../kit/exposition.ts';
import { freePort } from '../kit/ports.ts';
import { host, Lab, sees } from './lab.ts';

/** Takes its time to end. */
const slow = ['sh', '-c', "trap 'busybox sleep 3; exit 0' TERM; busybox sleep 86400 & wait"];
const deaf = [
  'sh',
  '-c',
  "trap '' HUP USR1; trap 'exit 0' TERM; while :; do busybox sleep 86400 & wait; done",
];

/** Serves from when `/go` is there until `/end` is. */
const opensAndCloses = [
  'sh',
  '-c',
  `busybox mkdir -p /www; echo fine >/www/index.html
  until busybox test -e /go; do busybox usleep 50000; done
  busybox httpd -f -p 80 -h /www & pid=$!
  until busybox test -e /end; do busybox usleep 50000; done
  kill $pid; busybox sleep 86400`,
];

describe('the life of a container', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.open();
  });
  afterAll(async () => {
    await lab.close();
  });

  const onPort = (port: number | '') => ({ '80/tcp': { HostIp: '0.0.0.0', HostPort: String(port) } });

  it('publishes a plain published port under the name of the container', async () => {
    const port = await freePort();
    const { path, name, short } = await lab.run('plain', { ports: onPort(port) });
    const said = { ID: short, SERVICE: name, PORT: '80', TYPE: 'TCP' };
    await lab.offers(path, { [short]: {} });
    expect(await lab.services(path)).toEqual({
      [short]: {
        ...said,
        IP: host.ipv4,
        EXT_PORT: String(port),
        owner: lab.owner,
        state: 'registered',
        tags: [],
      },
    });
    expect(await lab.registry.announced(path)).toEqual({ [short]: said });
    // The facts of its creation were right, so what was confirmed afterwards was not written again.
    await lab.offers(path, { [short]: {} });
    expect(lab.registry.historyOf(`/services${path}/${short}`)).toHaveLength(1);
  });

  it('publishes the port that the engine chose', async () => {
    const { path, short, name, container } = await lab.run('ephemeral', { ports: onPort('') });
    const port = await lab.docker.publishedPort(container, '80/tcp');
    await lab.offers(path, { [short]: { EXT_PORT: String(port), state: 'registered' } });
    const key = `/services${path}/${short}`;
    const line = await lab.agent.logged((its) => its['key'] === key);
    expect(line).toMatchObject({ action: 'create', service: path, container: name, cause: 'started' });
    expect(lab.registry.historyOf(key)).toHaveLength(1);
  });

  it('publishes what labels say', async () => {
    const path = `/${lab.name('zone')}/shop/dev/web/shop.example`;
    const labels = {
      'portolan.path': path,
      'portolan.type': 'http',
      'portolan.tags': 'canary,blue',
      'portolan.weight': '50',
    };
    const { short } = await lab.run('labels', { ports: onPort(''), labels });
    const parts = { APP: 'shop', ENV: 'dev', SERVICE: 'web', NAME: 'shop.example' };
    await lab.offers(path, { [short]: { ...parts, TYPE: 'HTTP', tags: ['blue', 'canary'], weight: 50 } });
  });

  it('publishes what the variables of announce-service say', async () => {
    const path = `/${lab.name('announced')}`;
    const env = { ANNOUNCE_PATH: path, PORT: '80', TYPE: 'HTTP' };
    const { short } = await lab.run('announce', { ports: onPort(''), env });
    await lab.offers(path, { [short]: { PORT: '80', TYPE: 'HTTP', state: 'registered' } });
    await lab.forgets(`/${lab.name('announce')}`);
  });

  it('publishes several ports, each under its own path or one suffix apart', async () => {
    const ports = {
      ...onPort(''),
      '81/tcp': { HostIp: '0.0.0.0', HostPort: '' },
      '82/tcp': { HostIp: '0.0.0.0', HostPort: '' },
    };
    const plain = await lab.run('ports-plain', { ports });
    const base = `/${lab.name('ports')}`;
    const env = {
      ANNOUNCE_80_PATH: `${base}/web`,
      ANNOUNCE_80_TYPE: 'HTTP',
      ANNOUNCE_81_PATH: `${base}/both`,
      ANNOUNCE_82_PATH: `${base}/both`,
    };
    const { short } = await lab.run('ports-announced', { ports, env });
    await lab.offers(plain.path, {
      [`80/${plain.short}`]: { PORT: '80' },
      [`81/${plain.short}`]: { PORT: '81' },
      [`82/${plain.short}`]: { PORT: '82' },
    });
    await lab.offers(base, {
      [`web/${short}`]: { PORT: '80', TYPE: 'HTTP' },
      [`both/${short}`]: { PORT: '81', TYPE: 'TCP' },
      [`both/${short}-82-tcp-0`]: { PORT: '82', TYPE: 'TCP' },
    });
  });

  it('does not publish what was only created', async () => {
    const created = await lab.create('created', { ports: onPort('') });
    const later = await lab.run('created-later', { ports: onPort('') });
    await lab.offers(later.path, { [later.short]: {} });
    await lab.forgets(created.path);
    await created.container.start();
    await lab.offers(created.path, { [created.short]: { state: 'registered' } });
  });

  it('Drain: marks a stopping container at once, while it still runs, and withdraws it when it is dead', async () => {
    const { path, short, container } = await lab.run('slow', { ports: onPort(''), command: slow });
    await lab.offers(path, { [short]: { state: 'registered' } });
    const stopped = container.stop({ t: 20 });
    await sees(async () => {
      expect(await lab.services(path)).toMatchObject({
        [short]: { state: 'draining', cause: 'stop-signal' },
      });
    }, 1_000 + BUSY_MS);
    expect((await container.inspect()).State.Running).toBe(true);
    expect(Object.keys(await lab.registry.announced(path))).toEqual([short]);
    const mark = lab.registry
      .historyOf(`/services${path}/${short}`)
      .find(({ value }) => value?.['state'] === 'draining');
    const note = lab.registry.history.find(
      ({ key, revision }) => key.startsWith(`/portolan/drains/${lab.owner}/`) && revision === mark?.revision,
    );
    expect(note?.value).toMatchObject({ cause: 'stop-signal' });
    await stopped;
    await lab.forgets(path);
    await sees(async () => {
      expect(await lab.registry.dump(`/portolan/drains/${lab.owner}/`)).toEqual({});
    });
  });

  it('registers what asks to be probed when its port opens, and drains it when the port closes', async () => {
    const labels = {
      'portolan.probe': 'http',
      'portolan.probe.path': '/index.html',
      'portolan.probe.interval': '200ms',
      'portolan.probe.fall': '2',
    };
    const { path, short, name, container } = await lab.run('probed', {
      ports: onPort(''),
      labels,
      command: opensAndCloses,
    });
    await sees(async () => {
      // Refused: the published port would have been accepted by the engine's proxy.
      expect(await lab.explain(name)).toContain('the connection is refused');
    });
    expect(await lab.services(path)).toEqual({});
    expect(Object.keys(await lab.registry.announced(path))).toEqual([short]);
    await lab.docker.exec(container, 'echo >/go');
    await lab.offers(path, { [short]: { state: 'registered' } });
    await lab.docker.exec(container, 'echo >/end');
    await lab.offers(path, { [short]: { state: 'draining', cause: 'unhealthy' } });
  });

  it('withdraws what is killed', async () => {
    const { path, short, container } = await lab.run('killed', { ports: onPort('') });
    await lab.offers(path, { [short]: {} });
    await container.kill({ signal: 'SIGKILL' });
    await lab.forgets(path);
  });

  it('withdraws what ends by itself', async () => {
    const command = ['sh', '-c', 'until busybox test -e /tmp/end; do busybox usleep 50000; done; exit 3'];
    const { path, short, container } = await lab.run('crash', { ports: onPort(''), command });
    await lab.offers(path, { [short]: {} });
    await lab.docker.exec(container, 'busybox mkdir -p /tmp; busybox touch /tmp/end');
    await lab.forgets(path);
  });

  it('does not drain for a signal that stops nothing', async () => {
    const { path, short, container } = await lab.run('hup', { ports: onPort(''), command: deaf });
    await lab.offers(path, { [short]: { state: 'registered' } });
    const key = `/services${path}/${short}`;
    await container.kill({ signal: 'SIGHUP' });
    await container.kill({ signal: 'SIGUSR1' });
    // Events come in order: once a later start is published, the signals have been taken in.
    const later = await lab.run('hup-later', { ports: onPort('') });
    await lab.offers(later.path, { [later.short]: {} });
    expect(lab.registry.historyOf(key).map(({ value }) => value?.['state'])).toEqual(['registered']);
    await container.kill({ signal: 'SIGTERM' });
    await lab.forgets(path);
  });

  it('drains for a stop signal of its own', async () => {
    const command = ['sh', '-c', "trap 'busybox sleep 2; exit 0' USR2; busybox sleep 86400 & wait"];
    const extra = { StopSignal: 'SIGUSR2' };
    const { path, short, container } = await lab.run('usr2', { ports: onPort(''), command, extra });
    await lab.offers(path, { [short]: { state: 'registered' } });
    const stopped = container.stop({ t: 20 });
    await lab.offers(path, { [short]: { state: 'draining', cause: 'stop-signal' } });
    expect((await container.inspect()).State.Running).toBe(true);
    await stopped;
    await lab.forgets(path);
  });

  it('Convergence: ends up right after many quick starts and deaths', async () => {
    const { path, short, container } = await lab.run('quick', { ports: onPort('') });
    for (let round = 0; round < 5; round += 1) {
      await container.kill();
      await container.start();
    }
    const port = String(await lab.docker.publishedPort(container, '80/tcp'));
    await lab.offers(path, { [short]: { state: 'registered', EXT_PORT: port } });
    await container.kill();
    await lab.forgets(path);
  });

  it('leaves one-off containers of compose out unless they ask for it', async () => {
    const labels = {
      'com.docker.compose.project': lab.name('oneoff'),
      'com.docker.compose.service': 'job',
      'com.docker.compose.oneoff': 'True',
    };
    const left = await lab.run('oneoff-left', { ports: onPort(''), labels });
    const asked = await lab.run('oneoff-asked', {
      ports: onPort(''),
      labels: { ...labels, 'portolan.enable': 'true' },
    });
    await lab.offers(`/${lab.name('oneoff')}/job`, { [asked.short]: { state: 'registered' } });
    expect(await lab.explain(left.short)).toContain('one-off container of compose');
  });

  it('drains at a restart and offers the new port afterwards', async () => {
    // It takes its time to end: what ends at once may be withdrawn before a busy agent has marked it.
    const command = ['sh', '-c', "trap 'busybox sleep 1; exit 0' TERM; busybox sleep 86400 & wait"];
    const { path, short, container } = await lab.run('restart', { command, ports: onPort('') });
    await lab.offers(path, { [short]: { state: 'registered' } });
    await container.restart({ t: 10 });
    const port = String(await lab.docker.publishedPort(container, '80/tcp'));
    await lab.offers(path, { [short]: { state: 'registered', EXT_PORT: port } });
    expect((await lab.services(path))[short]).not.toHaveProperty('cause');
    const states = lab.registry.historyOf(`/services${path}/${short}`).map(({ value }) => value?.['state']);
    expect(states[1]).toBe('draining');
    expect(states.at(-1)).toBe('registered');
  });

  it('leaves nothing behind of a container that is destroyed while it runs', async () => {
    const { path, short, id, container } = await lab.run('destroyed', { ports: onPort('') });
    await lab.offers(path, { [short]: {} });
    await container.remove({ force: true, v: true });
    await lab.forgets(path);
    await sees(async () => {
      const rest = Object.entries(await lab.registry.dump()).filter(([key, value]) =>
        [path, short, id].some((trace) => `${key} ${value}`.includes(trace)),
      );
      expect(rest).toEqual([]);
    });
  });

  it('Brake: never delays a mass removal that events explain', async () => {
    const names = Array.from({ length: 12 }, (_, n) => `mass-${n}`);
    const project = lab.name('mass');
    const labels = (service: string) => ({
      'com.docker.compose.project': project,
      'com.docker.compose.service': service,
    });
    const all = await Promise.all(
      names.map((name) => lab.run(name, { ports: onPort(''), labels: labels(name) })),
    );
    await sees(async () => {
      expect(Object.keys(await lab.services(`/${project}`))).toHaveLength(12);
    });
    const from = lab.agent.log.length;
    await Promise.all(
      all.map(async ({ container }) => {
        await container.stop({ t: 10 });
        await container.remove();
      }),
    );
    await lab.forgets(`/${project}`, 2_000 + BUSY_MS);
    const said = lab.agent.log.slice(from).filter(({ msg }) => String(msg).includes('brake'));
    expect(said).toEqual([]);
  });

  it('is counted: each event reached the registry, and how soon', async () => {
    const target = lab.registry.url;
    await sees(async () => {
      const read = await metricsOf(lab.agent);
      for (const kind of ['register', 'drain', 'withdraw']) {
        const count = valueOf(read, 'portolan_propagation_seconds_count', { target, kind }) ?? 0;
        const sum = valueOf(read, 'portolan_propagation_seconds_sum', { target, kind }) ?? 0;
        expect([kind, count > 0, sum > 0, sum / count < 5 + BUSY_MS / 1000]).toEqual([
          kind,
          true,
          true,
          true,
        ]);
      }
      expect(valueOf(read, 'portolan_registry_up', { target })).toBe(1);
      expect(valueOf(read, 'portolan_registry_converged', { target })).toBe(1);
      expect(valueOf(read, 'workqueue_depth', { name: target })).toBe(0);
    });
  });
});

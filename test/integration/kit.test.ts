import { existsSync, readFileSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { Etcd3 } from 'etcd3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { httpBackend, TestDocker, tcpEcho } from '../kit/docker.ts';
import { PrivateEngine } from '../kit/engine.ts';
import { startEngine28 } from '../kit/engine28.ts';
import { EtcdServer } from '../kit/etcd.ts';
import { EtcdCluster } from '../kit/etcd-cluster.ts';
import { etcdUsers } from '../kit/etcd-options.ts';
import { eventually } from '../kit/eventually.ts';
import { freePort } from '../kit/ports.ts';
import { TcpProxy } from '../kit/tcp-proxy.ts';

/** What a client has received, and whether its connection is over. */
const connect = (port: number) => {
  const socket = createConnection({ host: '127.0.0.1', port });
  const seen = { text: '', over: false, socket };
  socket.on('data', (chunk) => {
    seen.text += chunk.toString();
  });
  socket
    .on('close', () => {
      seen.over = true;
    })
    .on('error', () => undefined);
  return seen;
};

describe('eventually', () => {
  it('returns what the look returned, once it does not throw or say false', async () => {
    let looks = 0;
    const seen = await eventually(() => {
      looks += 1;
      if (looks === 1) throw new Error('not yet');
      return looks > 2 && looks;
    });
    expect(seen).toBe(3);
  });

  it('reports the last error after the deadline, also of a look that hangs', async () => {
    const never = eventually(() => Promise.reject(new Error('still red')), {
      deadlineMs: 100,
      what: 'green',
    });
    await expect(never).rejects.toThrow(/green did not come true within 100 ms; at last: still red/);
    const hanging = eventually(() => new Promise<never>(() => undefined), { deadlineMs: 100 });
    await expect(hanging).rejects.toThrow(/did not end before the deadline/);
  });
});

describe('the proxy', () => {
  let server: Server;
  let proxy: TcpProxy;
  const clients: Socket[] = [];

  const client = async () => {
    const seen = connect(proxy.port);
    clients.push(seen.socket);
    seen.socket.write('a');
    await eventually(() => seen.text === 'a');
    return seen;
  };

  beforeAll(async () => {
    server = createServer({ allowHalfOpen: true }, (socket) =>
      socket.on('error', () => undefined).pipe(socket),
    );
    const port = await freePort();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    proxy = await TcpProxy.start({ to: { port } });
  });

  afterEach(async () => {
    for (const socket of clients.splice(0)) socket.destroy();
    await proxy.heal();
  });

  afterAll(async () => {
    await proxy.stop();
    server.close();
  });

  it('forwards, also after one side has said all', async () => {
    const seen = await client();
    seen.socket.end('z');
    await eventually(() => seen.text === 'az' && seen.over);
  });

  it('cuts what is open and takes new connections', async () => {
    const seen = await client();
    proxy.cut();
    await eventually(() => seen.over);
    await client();
  });

  it('is silent in both directions and delivers when healed', async () => {
    const seen = await client();
    proxy.silence();
    seen.socket.write('b');
    const late = connect(proxy.port);
    clients.push(late.socket);
    late.socket.write('c');
    await expect(
      eventually(() => seen.text !== 'a' || late.text !== '', { deadlineMs: 200 }),
    ).rejects.toThrow();
    expect([seen.over, late.over]).toEqual([false, false]);
    await proxy.heal();
    await eventually(() => seen.text === 'ab' && late.text === 'c');
  });

  it('is silent in one direction only', async () => {
    let received = '';
    const listener = (socket: Socket): void => {
      socket.on('data', (chunk) => {
        received += chunk.toString();
      });
    };
    server.on('connection', listener);
    const seen = await client();
    proxy.silence('to-client');
    seen.socket.write('b');
    await eventually(() => received === 'ab');
    expect(seen.text).toBe('a');
    server.off('connection', listener);
  });

  it('freezes open connections for good while new ones work', async () => {
    const seen = await client();
    proxy.freezeExisting();
    seen.socket.write('b');
    await client();
    await proxy.heal();
    await client();
    expect([seen.text, seen.over]).toEqual(['a', false]);
  });

  it('delays', async () => {
    const seen = await client();
    proxy.delay(150);
    const since = performance.now();
    seen.socket.write('b');
    await eventually(() => seen.text === 'ab', { everyMs: 5 });
    expect(performance.now() - since).toBeGreaterThan(290);
  });

  it('refuses new connections, keeps open ones, and takes the same address again', async () => {
    const seen = await client();
    await proxy.refuse();
    const refused = connect(proxy.port);
    await eventually(() => refused.over);
    expect(seen.over).toBe(false);
    await proxy.heal();
    await client();
  });
});

describe('a proxy before the Docker socket', () => {
  it('carries the API and the event stream, and can silence the stream alone', async () => {
    const path = `/tmp/portolan-kit-${process.pid}.sock`;
    const proxy = await TcpProxy.start({ to: { path: '/var/run/docker.sock' }, listen: { path } });
    const direct = new TestDocker();
    const through = new TestDocker(path);
    try {
      const ids = new Set<string>();
      const stream = await through.api.getEvents({ filters: { event: ['create'] } });
      stream.on('data', (chunk: Buffer) => ids.add((JSON.parse(chunk.toString()) as { id: string }).id));
      stream.on('error', () => undefined);
      const first = await direct.create();
      await eventually(() => ids.has(first.id));
      proxy.freezeExisting();
      const second = await direct.create();
      await through.api.ping();
      await expect(eventually(() => ids.has(second.id), { deadlineMs: 300 })).rejects.toThrow();
      proxy.cut();
    } finally {
      await direct.clean();
      await proxy.stop();
    }
  });
});

describe('containers', () => {
  it('run with ports, health and labels, and are removed', async () => {
    const docker = new TestDocker();
    const ids: string[] = [];
    try {
      const web = await docker.run({
        command: httpBackend(),
        hostname: 'web-1',
        ports: { '80/tcp': {} },
        health: 'busybox test -e /tmp/healthy',
      });
      const echo = await docker.run({ command: tcpEcho(), ports: { '7001/tcp': { HostIp: '127.0.0.1' } } });
      ids.push(web.id, echo.id);
      const url = `http://127.0.0.1:${await docker.publishedPort(web, '80/tcp')}/`;
      expect(await eventually(async () => await (await fetch(url)).text())).toBe('id=web-1\n');
      const port = await docker.publishedPort(echo, '7001/tcp');
      await eventually(async () => {
        const seen = connect(port);
        seen.socket.write('hello');
        await eventually(() => seen.text === 'hello', { deadlineMs: 500 }).finally(() =>
          seen.socket.destroy(),
        );
      });
      await docker.exec(web, 'echo >/tmp/healthy');
      await eventually(async () => (await web.inspect()).State.Health?.Status === 'healthy');
    } finally {
      await docker.clean();
    }
    const left = await docker.api.listContainers({ all: true });
    expect(left.filter(({ Id }) => ids.includes(Id))).toEqual([]);
  });
});

describe.each(['3.4', '3.5'] as const)('etcd %s', (version) => {
  it('keeps its data and port over pause, kill, restart and restore', async () => {
    const etcd = await EtcdServer.start({ version });
    try {
      await etcd.etcdctl('put', '/a', '1');
      await etcd.backup();
      await etcd.pause();
      await expect(fetch(`${etcd.endpoint}/health`, { signal: AbortSignal.timeout(300) })).rejects.toThrow();
      await etcd.unpause();
      await etcd.kill();
      await expect(fetch(`${etcd.endpoint}/health`)).rejects.toThrow();
      await etcd.start();
      await etcd.etcdctl('put', '/b', '2');
      await etcd.restart();
      expect(await etcd.revision()).toBe(3);
      const client = new Etcd3({ hosts: etcd.endpoint });
      expect(await client.getAll().strings()).toEqual({ '/a': '1', '/b': '2' });
      client.close();
      await etcd.restore('another');
      expect(await etcd.revision()).toBe(2);
      expect(await etcd.log()).toMatch(/ready to serve client requests/);
    } finally {
      await etcd.remove();
    }
  });

  it('asks for a certificate and a user', async () => {
    const etcd = await EtcdServer.start({ version, tls: true, auth: true });
    const { ca, clientKey, clientCertificate } = etcd.certificates!;
    const client = new Etcd3({
      hosts: etcd.endpoint,
      credentials: {
        rootCertificate: Buffer.from(ca),
        privateKey: Buffer.from(clientKey),
        certChain: Buffer.from(clientCertificate),
      },
      auth: { username: 'portolan', password: etcdUsers.portolan },
    });
    try {
      await client.put('/services/a').value('1');
      await expect(client.put('outside').value('1')).rejects.toThrow(/permission denied/);
    } finally {
      client.close();
      await etcd.remove();
    }
  });
});

describe('an etcd cluster', () => {
  it('goes on without its leader', async () => {
    const cluster = await EtcdCluster.start();
    try {
      const leader = await eventually(() => cluster.leader());
      await leader.kill();
      const others = cluster.members.filter((member) => member !== leader);
      await eventually(() => others[0]!.etcdctl('put', '/a', '1'), { deadlineMs: 20_000 });
      await leader.start();
      expect(await leader.etcdctl('get', '/a', '--print-value-only')).toBe('1');
      expect(cluster.endpoints).toHaveLength(3);
    } finally {
      await cluster.remove();
    }
  });
});

describe.each([
  ['of this machine', () => PrivateEngine.start()],
  ['28', startEngine28],
])('a private engine: %s', (_, start) => {
  it('is apart from the machine, can be stopped, killed and started, and leaves nothing behind', async () => {
    const engine = await start();
    const docker = new TestDocker(engine.socketPath);
    try {
      const spec = { command: httpBackend(), hostname: 'h', ports: { '80/tcp': { HostPort: '8080' } } };
      const web = await docker.run({ ...spec, extra: { HostConfig: { RestartPolicy: { Name: 'always' } } } });
      const answers = async () => (await (await fetch(`http://${engine.address}:8080/`)).text()) === 'id=h\n';
      await eventually(answers);
      await expect(new TestDocker().api.getContainer(web.id).inspect()).rejects.toThrow(/no such container/i);
      await engine.kill();
      await expect(docker.api.ping()).rejects.toThrow();
      await engine.start();
      await eventually(answers);
      await engine.restart();
      await eventually(answers);
      expect(engine.dockerHost).toContain(engine.name);
    } finally {
      await engine.remove();
    }
    expect(existsSync(engine.socketPath)).toBe(false);
    expect(existsSync(`/run/netns/${engine.netns}`)).toBe(false);
    expect(readFileSync('/proc/self/mounts', 'utf8')).not.toContain(`/${engine.name}`);
    const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
    expect(addresses.map(({ address }) => address)).not.toContain(engine.gateway);
  });
});

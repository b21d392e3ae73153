import { describe, expect, it } from 'vitest';
import { container } from '../../test/kit/containers.ts';
import type { Container, ContainerPort } from '../core/container.ts';
import { publishedDialect } from './published.ts';

const port = (
  number: number,
  protocol: ContainerPort['protocol'] = 'tcp',
  published = true,
): ContainerPort => ({
  port: number,
  protocol,
  bindings: published ? [{ hostIp: '0.0.0.0', hostPort: number }] : [],
});
const compose = new Map([
  ['com.docker.compose.project', 'shop'],
  ['com.docker.compose.service', 'web'],
]);

function read(over: Partial<Container>) {
  const reading = publishedDialect.read(container(1, { name: 'box', ...over }));
  return {
    found: reading.services.map(
      ({ path, port, protocol, type }) => `/${path.join('/')} ${port}/${protocol} ${type}`,
    ),
    codes: reading.reasons.map(({ code }) => code),
  };
}

describe('published ports without metadata', () => {
  it('are named by compose project and service, else by the container', () => {
    expect(read({ ports: [port(80)], labels: compose }).found).toEqual(['/shop/web 80/tcp TCP']);
    expect(read({ ports: [port(80)] }).found).toEqual(['/box 80/tcp TCP']);
    expect(
      read({ ports: [port(80)], labels: new Map([['com.docker.compose.service', 'web']]) }).found,
    ).toEqual(['/box 80/tcp TCP']);
  });

  it('carry the port when there are several, so that different ports never join one backend', () => {
    const ports = [port(90), port(53, 'udp'), port(80), port(53)];
    expect(read({ ports, labels: compose }).found).toEqual([
      '/shop/web/53 53/tcp TCP',
      '/shop/web/53-udp 53/udp UDP',
      '/shop/web/80 80/tcp TCP',
      '/shop/web/90 90/tcp TCP',
    ]);
  });

  it('are only those that have a binding', () => {
    expect(read({ ports: [port(80), port(9000, 'tcp', false)] })).toEqual({
      found: ['/box 80/tcp TCP'],
      codes: ['unpublished-port'],
    });
    expect(read({ ports: [port(9000, 'tcp', false)] })).toEqual({ found: [], codes: ['not-published'] });
    expect(read({ ports: [] })).toEqual({ found: [], codes: ['no-service'] });
  });

  it('are the exposed ones on the host’s network and on macvlan', () => {
    expect(read({ networkMode: 'host', ports: [port(80, 'tcp', false)] }).found).toEqual(['/box 80/tcp TCP']);
    const lan = { name: 'lan', driver: 'macvlan', ipv4: '192.0.2.1', ipv6: undefined };
    expect(read({ networkMode: 'lan', networks: [lan], ports: [port(80, 'tcp', false)] }).found).toEqual([
      '/box 80/tcp TCP',
    ]);
  });

  it('leave out SCTP and Swarm’s ingress, with a reason', () => {
    expect(read({ ports: [port(80), port(132, 'sctp')] })).toEqual({
      found: ['/box 80/tcp TCP'],
      codes: ['protocol-unsupported'],
    });
    const labels = new Map([['com.docker.swarm.service.id', 'x']]);
    expect(read({ ports: [port(80, 'tcp', false)], labels })).toEqual({
      found: [],
      codes: ['swarm-ingress'],
    });
  });

  it('belong to the container whose network is shared', () => {
    expect(read({ networkMode: 'container:abc', ports: [port(80, 'tcp', false)] })).toEqual({
      found: [],
      codes: ['not-published'],
    });
  });

  it('get a safe name whatever the container is called', () => {
    expect(read({ name: '../../etc/passwd\n', ports: [port(80)] }).found).toEqual([
      '/..-..-etc-passwd- 80/tcp TCP',
    ]);
    expect(read({ name: '', ports: [port(80)] }).found).toEqual(['/unnamed 80/tcp TCP']);
  });
});

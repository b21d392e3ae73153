import { describe, expect, it } from 'vitest';
import { errors, good } from '../../test/kit/config.ts';

describe('a proxy', () => {
  it('that is managed needs nothing but its name', () => {
    const {
      config: { proxies },
    } = good({ yaml: 'stateDir: /s\nproxies: [{ name: edge, managed: true }]' });
    expect(proxies).toMatchObject([
      {
        folder: '/s/proxies/edge',
        socket: '/s/proxies/edge/admin.sock',
        bind: ['*:80'],
        reload: { master: '/s/proxies/edge/master.sock' },
        verify: ['haproxy', '-c', '-f'],
      },
    ]);
  });

  it('gives a new server its full share at once: retries would find those that just died more often', () => {
    const { config } = good({ yaml: 'proxies: [{ managed: true }]' });
    expect(config.proxies.map(({ slowStart }) => slowStart)).toEqual([0]);
  });

  it('is checked by the program that it runs', () => {
    const {
      config: { proxies },
    } = good({
      yaml: 'proxies: [{ managed: true, program: /opt/haproxy, folder: /f, bind: ["*:8080"] }]',
    });
    expect(proxies).toMatchObject([{ folder: '/f', bind: ['*:8080'], verify: ['/opt/haproxy', '-c', '-f'] }]);
  });

  it.each([
    ['{}', /socket: is missing; name that of your HAProxy, or let Portolan start one by managed: true/],
    ['{ socket: /s }', /folder: is missing/],
    ['{ managed: true, reload: { master: /m } }', /reload: does not go with managed; leave it out/],
    [`{ managed: true, folder: /${'x'.repeat(85)} }`, /is too long for a socket in it; name a shorter one/],
    ['{ managed: true, name: .. }', /name: ".." is not allowed/],
  ])('%s is wrong, and what helps is said', (proxy, expected) => {
    expect(errors({ yaml: `proxies: [${proxy}]` }).join('\n')).toMatch(expected);
  });

  it('has a name that no registry has', () => {
    expect(
      errors({
        yaml: 'registries: [{ url: "etcd://a", name: edge }]\nproxies: [{ managed: true, name: edge }]',
      }).join('\n'),
    ).toMatch(/proxies\[0\]\.name: is the name of a registry; give it another name/);
  });

  it('does not take a state folder with a blank', () => {
    expect(errors({ yaml: 'stateDir: /a b\nproxies: [{ managed: true }]' }).join('\n')).toMatch(
      /"?\/a b\/proxies\/haproxy"? cannot stand in HAProxy's files; name one of letters/,
    );
  });
});

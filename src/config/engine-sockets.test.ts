import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { good } from '../../test/kit/config.ts';
import { engineSockets } from './engine-sockets.ts';

const machine = (files: Readonly<Record<string, string>> = {}, runtimeDir?: string) => ({
  uid: 1000,
  home: '/home/ann',
  stateHome: undefined,
  runtimeDir,
  fullHostName: () => undefined,
  readSecrets: true,
  now: () => 0,
  readFile: (path: string): string => {
    const text = files[path];
    if (text === undefined) throw new Error('no such file');
    return text;
  },
});

const context = (name: string, host: string): Readonly<Record<string, string>> => {
  const folder = createHash('sha256').update(name).digest('hex');
  return {
    '/home/ann/.docker/config.json': JSON.stringify({ auths: {}, currentContext: name }),
    [`/home/ann/.docker/contexts/meta/${folder}/meta.json`]: JSON.stringify({
      Name: name,
      Endpoints: { docker: { Host: host, SkipTLSVerify: false } },
    }),
  };
};

describe('sockets at which an engine may listen', () => {
  it('are those of the system, of the user and of Podman, in that order and each once', () => {
    expect(engineSockets(machine({}, '/run/user/1000'))).toEqual([
      '/var/run/docker.sock',
      '/run/user/1000/docker.sock',
      '/home/ann/.docker/run/docker.sock',
      '/run/user/1000/podman/podman.sock',
      '/run/podman/podman.sock',
    ]);
  });

  it('are looked for in XDG_RUNTIME_DIR before the usual folder', () => {
    const found = engineSockets(machine({}, '/tmp/run'));
    expect(found.indexOf('/tmp/run/docker.sock')).toBe(1);
    expect(found.indexOf('/run/user/1000/docker.sock')).toBe(2);
    expect(engineSockets(machine({}, 'relative'))).toEqual(engineSockets(machine()));
  });

  it("include the socket of the context that Docker's client uses", () => {
    const found = engineSockets(machine(context('colima', 'unix:///home/ann/.colima/docker.sock')));
    expect(found.indexOf('/home/ann/.colima/docker.sock')).toBe(3);
  });

  it.each([
    ['on another machine', context('far', 'ssh://ann@far')],
    ['that is the default', context('default', 'unix:///elsewhere.sock')],
    ['without its files', { '/home/ann/.docker/config.json': '{"currentContext":"gone"}' }],
    ['in a file that is damaged', { '/home/ann/.docker/config.json': '{"currentContext":' }],
    ['of a wrong type', { '/home/ann/.docker/config.json': '{"currentContext":7}' }],
  ])('leave out a context %s', (_name, files) => {
    expect(engineSockets(machine(files))).toEqual(engineSockets(machine()));
  });

  it('do not count when an engine is named', () => {
    expect(good({ env: { DOCKER_HOST: 'unix:///x' } }).config.docker.sockets).toEqual([]);
    expect(good({}).config.docker.sockets[0]).toBe('/var/run/docker.sock');
  });
});

import { describe, expect, it } from 'vitest';
import { connectionFromEnvironment, type DockerEnvironment } from './connection.ts';
import { chooseApiVersion } from './engine.ts';

const files: Record<string, string> = {
  '/certs/ca.pem': 'CA',
  '/certs/cert.pem': 'CERT',
  '/certs/key.pem': 'KEY',
  '/authority/ca.pem': 'CA',
  '/half/ca.pem': 'CA',
  '/half/cert.pem': 'CERT',
};

const connect = (environment: DockerEnvironment) =>
  connectionFromEnvironment(environment, (path) => {
    const text = files[path];
    if (text === undefined)
      throw Object.assign(new Error(`ENOENT: no such file, open '${path}'`), { code: 'ENOENT' });
    return text;
  });

describe('connectionFromEnvironment', () => {
  it.each([
    [undefined, { socketPath: '/var/run/docker.sock' }],
    ['', { socketPath: '/var/run/docker.sock' }],
    ['unix:///run/user/1000/docker.sock', { socketPath: '/run/user/1000/docker.sock' }],
    ['tcp://10.0.0.1:2375', { host: '10.0.0.1', port: 2375, protocol: 'http' }],
    ['tcp://engine', { host: 'engine', port: 2375, protocol: 'http' }],
    ['engine:4243', { host: 'engine', port: 4243, protocol: 'http' }],
    ['http://engine:80/', { host: 'engine', port: 80, protocol: 'http' }],
    ['https://engine', { host: 'engine', port: 2376, protocol: 'https' }],
    ['tcp://[fd00::1]:2375', { host: 'fd00::1', port: 2375, protocol: 'http' }],
  ])('%s', (host, connection) => {
    expect(connect({ host })).toEqual({ ok: true, connection });
  });

  it('speaks TLS when it is to be verified', () => {
    expect(connect({ host: 'tcp://engine', tlsVerify: '1', certPath: '/certs' })).toEqual({
      ok: true,
      connection: { host: 'engine', port: 2376, protocol: 'https', ca: 'CA', cert: 'CERT', key: 'KEY' },
    });
    expect(connect({ host: 'tcp://engine', tlsVerify: '', certPath: '/certs' })).toMatchObject({
      connection: { protocol: 'http' },
    });
  });

  it('shows no certificate when the folder holds an authority only', () => {
    expect(connect({ host: 'tcp://engine', tlsVerify: '1', certPath: '/authority' })).toEqual({
      ok: true,
      connection: { host: 'engine', port: 2376, protocol: 'https', ca: 'CA' },
    });
  });

  it.each([
    [{ host: 'ssh://me@engine' }, 'ssh is not supported'],
    [{ host: 'npipe:////./pipe/docker' }, 'use unix://'],
    [{ host: 'unix://relative' }, 'absolute path'],
    [{ host: 'tcp://engine:99999' }, 'is not a host'],
    [{ host: 'tcp://[engine]:1' }, 'is not a host'],
    [{ host: 'tcp://engine/path' }, 'is not a host'],
    [{ host: 'tcp://engine', tlsVerify: '1', certPath: '/none' }, 'DOCKER_CERT_PATH'],
    [{ host: 'tcp://engine', tlsVerify: '1', certPath: '/half' }, "open '/half/key.pem'"],
  ])('refuses %j: %s', (environment, words) => {
    const choice = connect(environment);
    expect(choice).toMatchObject({ ok: false, message: expect.stringContaining(words) as string });
  });
});

it.each([
  ['1.41', '1.12', '1.41'],
  ['1.51', '1.24', '1.51'],
  ['1.52', '1.44', '1.51'],
  ['1.9', undefined, '1.9'],
  ['1.70', '1.60', '1.60'],
])('an engine that speaks up to %s and from %s on is spoken to in %s', (newest, oldest, chosen) => {
  expect(chooseApiVersion(newest, oldest)).toBe(chosen);
});

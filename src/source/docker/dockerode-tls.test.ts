import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Certificates, makeCertificates } from '../../../test/kit/certificates.ts';
import { eventually } from '../../../test/kit/eventually.ts';
import { TlsProxy } from '../../../test/kit/tls-proxy.ts';
import type { EngineTls } from './connection.ts';
import { createDockerodeEngine } from './dockerode.ts';
import type { Engine } from './engine.ts';

const never = new AbortController().signal;
let folder: string;
let certificates: Certificates;
let server: Server;
let proxy: TlsProxy;
let shown: { current: EngineTls; stop: () => void };
let engine: Engine;
/** Answers the inspection that is under way. */
let answer: (() => void) | undefined;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portolan-tls-engine-'));
  certificates = await makeCertificates();
  server = createServer((request, response) => {
    const json = (body: unknown) =>
      response.setHeader('Content-Type', 'application/json').end(JSON.stringify(body));
    if (request.url === '/version') json({ Version: '29.0.0', ApiVersion: '1.52', MinAPIVersion: '1.44' });
    else if (request.url?.includes('/containers/slow/') === true) answer = () => json({ Id: 'slow' });
    else if (request.url?.includes('/events') === true) response.writeHead(200).flushHeaders();
    else json([]);
  });
  server.listen(join(folder, 'docker.sock'));
  await once(server, 'listening');
  proxy = await TlsProxy.start(certificates, join(folder, 'docker.sock'));
  const { ca, clientCertificate: cert, clientKey: key } = certificates;
  shown = { current: { ca, cert, key }, stop: () => undefined };
  engine = createDockerodeEngine({ host: 'localhost', port: proxy.port, protocol: 'https' }, shown);
});

afterEach(async () => {
  engine.close();
  proxy.stop();
  server.close();
  server.closeAllConnections();
  rmSync(folder, { recursive: true, force: true });
  await certificates.remove();
});

it('renewed certificates are shown on new connections; events and questions under way go on over the old ones', async () => {
  expect((await engine.negotiate(never)).ok).toBe(true);
  let ended = false;
  await engine.events({}, { chunk: () => undefined, ended: () => (ended = true) }, never);
  const slow = engine.inspect('slow', never);
  await eventually(() => answer !== undefined);
  expect(new Set(proxy.shown).size).toBe(1);
  const { certificate, key } = await certificates.renewClient();
  shown.current = { ca: certificates.ca, cert: certificate, key };
  expect(await engine.list(never)).toEqual({ ok: true, value: [] });
  expect(new Set(proxy.shown).size).toBe(2);
  answer?.();
  expect(await slow).toEqual({ ok: true, value: { Id: 'slow' } });
  expect(ended).toBe(false);
  // Events and the new connection: of the old ones none is kept for later.
  await eventually(() => proxy.connections === 2);
});

it('who shows no certificate, or trusts another authority, is told why', async () => {
  const at = { host: 'localhost', port: proxy.port, protocol: 'https' } as const;
  const stranger = await makeCertificates();
  try {
    for (const tls of [{ ca: certificates.ca }, { ...shown.current, ca: stranger.ca }]) {
      const refused = createDockerodeEngine({ ...at, ...tls });
      const result = await refused.negotiate(never);
      expect(result).toMatchObject({ ok: false, failure: { code: 'docker-unreachable' } });
      expect(JSON.stringify(result)).toMatch(/certificate|alert/);
      refused.close();
    }
  } finally {
    await stranger.remove();
  }
});

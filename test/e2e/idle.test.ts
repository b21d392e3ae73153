import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PrivateEngine } from '../kit/engine.ts';
import { Lab, staysTrue } from './lab.ts';

const ports = { '80/tcp': { HostIp: '0.0.0.0', HostPort: '' } };

/** An engine of its own: what others start on the machine's would be written, and rightly so. */
describe('an agent with nothing to do', () => {
  let engine: PrivateEngine;
  let lab: Lab;
  beforeAll(async () => {
    engine = await PrivateEngine.start();
    const args = ['--resync', '2s', '--lease-ttl', '5s'];
    lab = await Lab.open({ socketPath: engine.socketPath, args });
  });
  afterAll(async () => {
    try {
      await lab.close();
    } finally {
      await engine.remove();
    }
  });

  it('Idempotence: writes nothing but the keep-alive and logs nothing, over many resyncs and health checks', async () => {
    const plain = await Promise.all(['a', 'b', 'c', 'd'].map((name) => lab.run(name, { ports })));
    const checked = await lab.run('checked', { ports, health: 'true' });
    for (const { path, short } of [...plain, checked])
      await lab.offers(path, { [short]: { state: 'registered' } });
    const before = { revision: await lab.registry.revision(), lines: lab.agent.output.length };
    await staysTrue(async () => {
      expect(await lab.registry.revision()).toBe(before.revision);
      expect(lab.agent.output.slice(before.lines)).toEqual([]);
    }, 12_000);
    // Twice the life of the lease has passed, so it was kept alive.
    const kept = Object.keys(await lab.registry.dump('/portolan/hosts/'));
    expect(kept).toEqual([`/portolan/hosts/${lab.owner}`]);
    expect(await lab.registry.leases()).toBe(1);
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandResult } from '../kit/agent.ts';
import { cli, Lab, type Running } from './lab.ts';

const ports = { '80/tcp': { HostIp: '0.0.0.0', HostPort: '' } };

describe('drain and undrain', () => {
  let lab: Lab;
  let web: Running;
  beforeAll(async () => {
    lab = await Lab.open();
    web = await lab.run('web', { ports });
    await lab.offers(web.path, { [web.short]: { state: 'registered' } });
  });
  afterAll(async () => {
    await lab.close();
  });

  const portolan = async (...args: readonly string[]): Promise<CommandResult> =>
    await cli([...args, '--state-dir', lab.agent.stateDir]);

  it('Drain: by command holds over a restart of the agent with a new state folder, until undrain', async () => {
    const waited = await portolan('drain', web.name, '--wait', '-o', 'json');
    expect(waited.code).toBe(0);
    expect(JSON.parse(waited.stdout)).toMatchObject({
      subject: web.id,
      waited: { end: 'acknowledged', missing: [] },
    });
    expect(await lab.services(web.path)).toMatchObject({ [web.short]: { state: 'draining' } });
    expect((await portolan('drain', web.short)).stdout).toContain('is drained already');
    // The next agent of a lab has another state folder: only the registry remembers.
    await lab.agent.stop();
    await lab.startAgent();
    expect(JSON.parse(await lab.explain(web.name))).toMatchObject({ orders: [{ scope: 'container' }] });
    const ended = await portolan('undrain', web.name, '--wait');
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(await lab.services(web.path)).toMatchObject({ [web.short]: { state: 'registered' } });
    expect(Object.keys(await lab.registry.dump(`/portolan/drains/${lab.owner}/`))).toEqual([]);
  });

  it('ends with 66 for an unknown container and with 69 without an agent', async () => {
    expect(await portolan('drain', 'nobody-here')).toMatchObject({ code: 66, stdout: '' });
    await lab.agent.stop();
    expect(await portolan('drain', web.name)).toMatchObject({ code: 69, stdout: '' });
  });
});

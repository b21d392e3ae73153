import { describe, expect, it } from 'vitest';
import { unitCommand } from './process.ts';

describe('a unit of its own', () => {
  it('runs the program with its arguments as they are, and goes away with it', () => {
    const argv = ['/opt/ha proxy', '-f', '/state/conf; reboot'];
    const command = unitCommand({ name: 'edge' }, '/state/haproxy.log', argv);
    expect(command.slice(-4)).toEqual(['--', ...argv]);
    expect(command.slice(0, 4)).toEqual([
      'systemd-run',
      '--quiet',
      '--collect',
      '--unit=portolan-proxy-edge',
    ]);
    expect(command).toContain('--property=StandardError=append:/state/haproxy.log');
  });
});

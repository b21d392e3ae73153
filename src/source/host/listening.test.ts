import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { listeningPorts } from './listening.ts';

const HEAD =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
const line = (local: string, state: string): string =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 41 1 0 100 0 0 10 0`;
const kernel = (tcp: readonly string[], tcp6: readonly string[] | undefined) => (path: string) =>
  path.endsWith('6') ? tcp6 && [HEAD, ...tcp6, ''].join('\n') : [HEAD, ...tcp, ''].join('\n');

describe('the ports that listen', () => {
  it('are told by the kernel, and connections are none of them', () => {
    const ports = listeningPorts(
      kernel(
        [line('00000000:0050', '0A'), line('0100007F:1F90', '01')],
        [line(`${'0'.repeat(32)}:01BB`, '0A')],
      ),
    );
    expect([...(ports ?? [])]).toEqual([
      [80, 'reachable'],
      [443, 'reachable'],
    ]);
  });

  it('are known to be on loopback alone, in every notation, unless another socket is not', () => {
    const mapped = '0000000000000000FFFF00000100007F';
    const ports = listeningPorts(
      kernel(
        [line('0100007F:0050', '0A'), line('3500007F:0035', '0A'), line('0100007F:1F90', '0A')],
        [
          line('00000000000000000000000001000000:0051', '0A'),
          line(`${mapped}:0052`, '0A'),
          line('000080FE00000000000000000100007F:0053', '0A'),
          line(`${'0'.repeat(32)}:1F90`, '0A'),
        ],
      ),
    );
    expect(Object.fromEntries(ports ?? [])).toEqual({
      80: 'loopback',
      53: 'loopback',
      81: 'loopback',
      82: 'loopback',
      83: 'reachable',
      8080: 'reachable',
    });
  });

  it('are unknown where no table can be read, and known from one where IPv6 is off', () => {
    expect(listeningPorts(() => undefined)).toBeUndefined();
    expect(listeningPorts(kernel([line('00000000:0050', '0A')], undefined))?.size).toBe(1);
  });

  it('are those of this very machine, and a port that is closed again is none', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    expect(listeningPorts()?.get(port)).toBe('loopback');
    await new Promise((resolve) => server.close(resolve));
    expect(listeningPorts()?.has(port)).toBe(false);
  });
});

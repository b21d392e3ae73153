import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { tcpProbe } from './answers.ts';

const never = new AbortController().signal;

describe('a host', () => {
  it('answers when it accepts a connection, whatever its other ports and addresses do', async () => {
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    expect(await tcpProbe(['198.51.100.1', '127.0.0.1'], [port], never)).toBe('answers');
    await new Promise((resolve) => server.close(resolve));
  });

  it('answers when it refuses a connection', async () => {
    expect(await tcpProbe(['127.0.0.1'], [1], never)).toBe('answers');
  });

  it('is unknown rather than silent when nobody was asked, or when asking ended early', async () => {
    expect(await tcpProbe([], [22], never)).toBe('unknown');
    expect(await tcpProbe(['198.51.100.1'], [22], AbortSignal.abort())).toBe('unknown');
  });
});

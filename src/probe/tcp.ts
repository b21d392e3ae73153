import { createConnection } from 'node:net';
import type { ProbeResult } from '../core/probe.ts';
import type { Attempt, Question } from './attempt.ts';
import { whyFailed } from './why.ts';

/** Whether somebody accepts a connection. Nothing is sent and nothing is read. */
export function connect({ ip, port }: Question): Attempt {
  const socket = createConnection({ host: ip, port, noDelay: true });
  socket.pause();
  const answer = new Promise<ProbeResult>((resolve) => {
    // Stays until the socket is closed: an error without a listener would end the process.
    socket.on('error', (error) => {
      resolve({ ok: false, why: whyFailed(error), late: false });
    });
    socket.on('close', () => {
      resolve({ ok: false, why: 'the connection was closed', late: false });
    });
    socket.once('connect', () => {
      // A connection to a free port of this very machine may meet itself.
      const itself = socket.localPort === port && socket.localAddress === ip;
      resolve(itself ? { ok: false, why: 'nothing listens there', late: false } : { ok: true });
    });
  });
  return {
    answer,
    end: () => {
      // By a reset, as load balancers do: a close would leave a socket waiting on this host for a minute after each probe.
      if (socket.readyState === 'open') socket.resetAndDestroy();
      else socket.destroy();
    },
  };
}

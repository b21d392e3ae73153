import { connect, type Socket } from 'node:net';
import type { HostProbe } from '../../core/ports.ts';

/** The longest wait for an answer: enough for one repetition of a lost SYN's kind, short enough to be done in time. */
const WAIT_MS = 1_000;
/** A refusal tells that something is there to refuse. */
const ALIVE = new Set(['ECONNREFUSED', 'ECONNRESET']);
/** Nobody answered, on the way there or at the end of it. */
const SILENT = new Set(['ETIMEDOUT', 'EHOSTUNREACH', 'EHOSTDOWN']);

type Answer = 'answers' | 'silent' | 'no-route' | 'unknown';

/** Connects to every address and port at once and says nothing; the first answer ends it. */
export const tcpProbe: HostProbe = async (addresses, ports, signal) => {
  const enough = new AbortController();
  const until = AbortSignal.any([signal, enough.signal]);
  const tries = addresses.flatMap((host) => ports.map((port) => answerOf(host, port, until)));
  const answers: Answer[] = [];
  await Promise.all(
    tries.map(async (trying) => {
      const answer = await trying;
      answers.push(answer);
      if (answer === 'answers') enough.abort();
    }),
  );
  if (answers.includes('answers')) return 'answers';
  if (signal.aborted || answers.includes('unknown')) return 'unknown';
  // Without a way to any of them it is this machine that is cut off.
  return answers.includes('silent') ? 'silent' : 'unknown';
};

function answerOf(host: string, port: number, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve('silent');
      return;
    }
    const socket: Socket = connect({ host, port });
    const end = (answer: Answer): void => {
      signal.removeEventListener('abort', stop);
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const stop = (): void => {
      end('silent');
    };
    const timer = setTimeout(stop, WAIT_MS);
    signal.addEventListener('abort', stop, { once: true });
    socket.once('connect', () => {
      end('answers');
    });
    socket.once('error', ({ code = '' }: NodeJS.ErrnoException) => {
      end(meaningOf(code));
    });
  });
}

function meaningOf(code: string): Answer {
  if (ALIVE.has(code)) return 'answers';
  if (code === 'ENETUNREACH') return 'no-route';
  // Out of ports or files, or forbidden here: that says nothing about the host.
  return SILENT.has(code) ? 'silent' : 'unknown';
}

import { type IncomingMessage, request } from 'node:http';
import { hostAndPort } from '../core/ip.ts';
import type { ProbeResult, ProbeSpec } from '../core/probe.ts';
import type { Attempt, Question } from './attempt.ts';
import { whyFailed } from './why.ts';

/** Far more than any honest answer to a probe has before its body. */
const LARGEST_HEADER = 16_384;

/** Whether a GET is answered with a status that is wanted. Redirects are not followed, and no body is read. */
export function ask({ ip, port, spec }: Question): Attempt {
  const asked = request({
    host: ip,
    port,
    path: spec.path,
    method: 'GET',
    // A connection of its own, closed after the answer.
    agent: false,
    maxHeaderSize: LARGEST_HEADER,
    insecureHTTPParser: false,
    headers: {
      host: spec.host ?? hostAndPort(ip, port),
      'user-agent': 'portolan-probe',
      accept: '*/*',
      connection: 'close',
    },
  });
  const answer = new Promise<ProbeResult>((resolve) => {
    // Stays until everything is closed: an error without a listener would end the process.
    asked.on('error', (error) => {
      resolve({ ok: false, why: whyFailed(error), late: false });
    });
    asked.once('close', () => {
      resolve({ ok: false, why: 'the connection was closed', late: false });
    });
    const answered = (response: IncomingMessage): void => {
      response.on('error', () => undefined);
      resolve(judge(response.statusCode ?? 0, spec));
      asked.destroy();
    };
    asked.once('response', answered);
    asked.once('upgrade', (response, socket) => {
      answered(response);
      socket.destroy();
    });
  });
  asked.end();
  return {
    answer,
    end: () => {
      asked.destroy();
    },
  };
}

function judge(code: number, { status }: ProbeSpec): ProbeResult {
  if (status.some(({ from, to }) => code >= from && code <= to)) return { ok: true };
  const wanted = status.map(({ from, to }) => (from === to ? String(from) : `${String(from)}-${String(to)}`));
  return { ok: false, why: `answered with status ${String(code)}, not ${wanted.join(',')}`, late: false };
}

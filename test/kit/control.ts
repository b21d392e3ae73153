import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { json, text } from 'node:stream/consumers';
import type { RecordView, ServiceView, StatusView } from '../../src/core/status.ts';
import type { Agent } from './agent.ts';
import { type Family, parseExposition } from './exposition.ts';

export interface ControlAnswer<T> {
  readonly status: number;
  readonly body: T;
}

/** Asks the agent's control socket, without the two seconds that a command of its own takes. */
export const control = async <T>(agent: Agent, path: string): Promise<ControlAnswer<T>> =>
  await asking(agent, path, async (answer) => (await json(answer)) as T);

const asking = async <T>(
  agent: Agent,
  path: string,
  read: (answer: IncomingMessage) => Promise<T>,
): Promise<ControlAnswer<T>> =>
  await new Promise((resolve, reject) => {
    const socketPath = join(agent.stateDir, 'portolan.sock');
    const asked = request({ socketPath, path, agent: false, timeout: 5_000 }, (answer) => {
      read(answer).then((body) => {
        resolve({ status: answer.statusCode ?? 0, body });
      }, reject);
    });
    asked.on('timeout', () => asked.destroy(new Error(`${path}: no answer`)));
    asked.on('error', reject);
    asked.end();
  });

/** Its metrics, read strictly. */
export const metricsOf = async (agent: Agent): Promise<ReadonlyMap<string, Family>> =>
  parseExposition((await asking(agent, '/metrics', text)).body);

export const statusOf = async (agent: Agent): Promise<StatusView> =>
  (await control<StatusView>(agent, '/v1/status')).body;

export const recordsOf = async (agent: Agent): Promise<readonly RecordView[]> =>
  (await control<readonly RecordView[]>(agent, '/v1/records')).body;

export const servicesOf = async (agent: Agent): Promise<readonly ServiceView[]> =>
  (await control<readonly ServiceView[]>(agent, '/v1/services')).body;

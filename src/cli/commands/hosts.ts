import type { Command } from 'commander';
import type { RemovalAnswer } from '../../core/orders.ts';
import { printable } from '../../core/printable.ts';
import { agentAddress } from '../agent-address.ts';
import { refusalOf, tell } from '../client.ts';
import { configured } from '../configured.ts';
import { byAgent, EXIT } from '../exit.ts';
import type { CliIo } from '../io.ts';
import { toJson, toYaml } from '../structured.ts';

interface RemoveOptions {
  readonly force?: boolean;
  readonly output: 'text' | 'json' | 'yaml';
}

/** Has the running agent remove all that a host left. */
export async function removeHost(owner: string, command: Command, io: CliIo): Promise<number> {
  const { force = false, output } = command.opts<RemoveOptions>();
  const agent = agentAddress(configured(command, io, false));
  const reply = await byAgent(tell(agent, '/v1/hosts/remove', { owner, force }, io.signal));
  if (reply.status !== 200) throw refusalOf(reply);
  const answer = reply.body as RemovalAnswer;
  if (output === 'json') io.stdout(toJson(answer));
  else if (output === 'yaml') io.stdout(toYaml(answer));
  else for (const { target, records } of answer.targets) io.stdout(lineOf(answer.owner, target, records));
  return EXIT.ok;
}

function lineOf(owner: string, target: string, records: number): string {
  const what = records === 1 ? '1 record' : `${String(records)} records`;
  return printable(`${owner} is removed from ${target}, with ${what}.`).concat('\n');
}

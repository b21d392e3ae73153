import type { Command } from 'commander';
import { agentAddress } from '../agent-address.ts';
import { ask, errorOf, follow } from '../client.ts';
import { configured } from '../configured.ts';
import { CliError, EXIT } from '../exit.ts';
import type { CliIo } from '../io.ts';
import { type Resource, renderList } from '../lists.ts';
import { toJson, toJsonLine, toYaml } from '../structured.ts';

interface GetOptions {
  readonly output: 'table' | 'wide' | 'json' | 'yaml';
  readonly watch?: boolean;
}

const CLEAR = '\u001b[H\u001b[2J\u001b[3J';

/** A list of what the agent knows. */
export async function get(resource: Resource, command: Command, io: CliIo): Promise<number> {
  const agent = agentAddress(configured(command, io, false));
  const { output, watch } = command.opts<GetOptions>();
  const path = `/v1/${resource}`;
  if (watch !== true) {
    const reply = await ask(agent, path, io.signal);
    if (reply.status !== 200) throw errorOf(reply);
    io.stdout(render(resource, reply.body, output, io));
    return EXIT.ok;
  }
  let first = true;
  const next = (body: unknown): void => {
    const text = output === 'json' ? toJsonLine(body) : render(resource, body, output, io);
    io.stdout(`${separator(output, io, first)}${text}`);
    first = false;
  };
  await follow(agent, path, next, io.signal);
  return EXIT.ok;
}

/** What stands before a state of the list: tables are drawn anew on a terminal, and follow one another elsewhere. */
function separator(output: GetOptions['output'], io: CliIo, first: boolean): string {
  if (output === 'json') return '';
  if (output === 'yaml') return first ? '' : '---\n';
  if (io.terminal) return CLEAR;
  return first ? '' : '\n';
}

function render(resource: Resource, body: unknown, output: GetOptions['output'], io: CliIo): string {
  if (!Array.isArray(body)) throw errorOf({ status: 200, body });
  const rows: readonly unknown[] = body;
  switch (output) {
    case 'json':
      return toJson(rows);
    case 'yaml':
      return toYaml(rows);
    case 'table':
    case 'wide':
      return table(resource, rows, output === 'wide', io);
  }
}

function table(resource: Resource, rows: readonly unknown[], wide: boolean, io: CliIo): string {
  try {
    return renderList(resource, rows, wide, io.clock.now());
  } catch {
    throw new CliError('The agent that runs is of another version than this command; use -o json.');
  }
}

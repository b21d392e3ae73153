import type { Command } from 'commander';
import { printable } from '../../core/printable.ts';
import { agentAddress } from '../agent-address.ts';
import { ask, errorOf } from '../client.ts';
import { configured } from '../configured.ts';
import { EXIT } from '../exit.ts';
import type { CliIo } from '../io.ts';

/** Whether the agent lives and is ready; for people, and for the HEALTHCHECK of an image. */
export async function health(command: Command, io: CliIo): Promise<number> {
  const agent = agentAddress(configured(command, io, false));
  const { live } = command.opts<{ live?: boolean }>();
  const reply = await ask(agent, live === true ? '/healthz' : '/readyz', io.signal);
  if (reply.status === 200) {
    io.stdout(live === true ? 'alive\n' : 'ready\n');
    return EXIT.ok;
  }
  const { waitingFor } = reply.body as { readonly waitingFor?: readonly string[] };
  if (waitingFor === undefined) throw errorOf(reply);
  io.stdout(`not ready, waiting for:\n${waitingFor.map((what) => `  ${printable(what)}\n`).join('')}`);
  return EXIT.error;
}

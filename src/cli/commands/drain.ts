import type { Command } from 'commander';
import type { DrainAnswer, Drainable } from '../../core/orders.ts';
import { printable } from '../../core/printable.ts';
import { agentAddress } from '../agent-address.ts';
import { type AgentAddress, refusalOf, tell } from '../client.ts';
import { configured } from '../configured.ts';
import { byAgent, CliError, EXIT } from '../exit.ts';
import type { CliIo } from '../io.ts';
import { toJson, toYaml } from '../structured.ts';
import { since } from '../time.ts';
import { awaitTargets, type Waited } from './await-targets.ts';

interface DrainOptions {
  readonly host?: boolean;
  readonly engine?: string;
  readonly wait?: boolean;
  readonly timeout: number;
  readonly output: 'text' | 'json' | 'yaml';
}

/** What `-o json` shows; `waited` is absent without `--wait`. */
interface Outcome extends DrainAnswer {
  readonly drained: boolean;
  readonly waited?: Waited;
}

/** Takes a container or the whole host out of rotation, or ends that. */
export async function drain(
  what: 'drain' | 'undrain',
  reference: string | undefined,
  command: Command,
  io: CliIo,
): Promise<number> {
  const options = command.opts<DrainOptions>();
  const whom = whomOf(reference, options);
  const agent = agentAddress(configured(command, io, false));
  const outcome = await byAgent(order(what, whom, agent, options, io));
  if (options.output === 'json') io.stdout(toJson(outcome));
  else if (options.output === 'yaml') io.stdout(toYaml(outcome));
  else io.stdout(textOf(outcome, io.clock.now()));
  return exitCodeOf(outcome, io);
}

function whomOf(reference: string | undefined, { host = false, engine }: DrainOptions): Drainable {
  if ((reference === undefined) !== host)
    throw new CliError('Name one container, or say --host for the whole host.', EXIT.usage);
  const whom = reference === undefined ? ({ host: true } as const) : { container: reference };
  return engine === undefined ? whom : { ...whom, engine };
}

async function order(
  what: 'drain' | 'undrain',
  whom: Drainable,
  agent: AgentAddress,
  options: DrainOptions,
  io: CliIo,
): Promise<Outcome> {
  const reply = await tell(agent, `/v1/${what}`, whom, io.signal);
  if (reply.status !== 200) throw refusalOf(reply);
  const answer = reply.body as DrainAnswer;
  const outcome = { ...answer, drained: what === 'drain' };
  if (options.wait !== true) return outcome;
  return { ...outcome, waited: await awaitTargets(outcome, agent, options.timeout, io) };
}

function textOf(outcome: Outcome, now: number): string {
  const { container, engine, drained, repeated, at, notes, waited } = outcome;
  const where = engine === undefined ? '' : ` of ${engine}`;
  const whom = container === undefined ? `The whole host${where}` : `${printable(container)}${where}`;
  const state = drained
    ? repeated
      ? `is drained already, since ${since(at, now)}`
      : 'is drained'
    : repeated
      ? 'was not drained by a command'
      : 'is no longer drained by a command';
  const known =
    waited?.end === 'acknowledged'
      ? '; every target has acknowledged it'
      : waited?.end === 'held'
        ? ', but it serves on where it is the last server; start another, or stop it all the same'
        : '';
  return [`${whom} ${state}${known}.`, ...notes].map((line) => `${printable(line)}\n`).join('');
}

function exitCodeOf({ waited }: Outcome, io: CliIo): number {
  switch (waited?.end) {
    case undefined:
    case 'acknowledged':
      return EXIT.ok;
    case 'late':
      for (const { target, why } of waited.missing)
        io.stderr(
          `portolan: ${printable(`not acknowledged by ${target}: ${why ?? 'nothing is known of it'}`)}\n`,
        );
      return EXIT.late;
    case 'held':
      for (const { target, why } of waited.missing)
        io.stderr(`portolan: ${printable(`${target}: ${why ?? 'held: last server'}`)}\n`);
      return EXIT.held;
    case 'overtaken':
      io.stderr('portolan: another order came meanwhile, or the container was removed\n');
      return EXIT.error;
  }
}

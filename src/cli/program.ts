import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { CONFIG_VARIABLE } from '../config/environment.ts';
import { parseDuration } from '../core/duration.ts';
import { printable } from '../core/printable.ts';
import { completion, SHELLS, type Shell } from './commands/completion.ts';
import { check, print, schema } from './commands/config.ts';
import { doctor } from './commands/doctor.ts';
import { drain } from './commands/drain.ts';
import { explain } from './commands/explain.ts';
import { get } from './commands/get.ts';
import { health } from './commands/health.ts';
import { removeHost } from './commands/hosts.ts';
import { plan } from './commands/plan.ts';
import { run } from './commands/run.ts';
import { complaint } from './complaint.ts';
import { CliError, EXIT, EXIT_TEXT } from './exit.ts';
import type { CliIo } from './io.ts';
import { RESOURCES, type Resource } from './lists.ts';
import {
  ANNOUNCE_PREFIX,
  addOldFlags,
  addSettings,
  CLIENT_SETTINGS,
  forAnnouncing,
  forListening,
  forLooking,
} from './options.ts';

/** Runs one command line; the result is the exit code. Only what nobody expected is thrown. */
export async function runCli(argv: readonly string[], io: CliIo): Promise<number> {
  let exitCode: number = EXIT.ok;
  const program = createProgram(io, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (io.signal.aborted) return EXIT.ok;
    if (!(error instanceof CliError)) throw error;
    for (const line of error.message.split('\n')) io.stderr(`portolan: ${printable(line)}\n`);
    return error.exitCode;
  }
}

type Finish = (exitCode: number) => void;

/** The commands with their options; `finish` takes the exit code of the one that ran. */
export function createProgram(io: CliIo, finish: Finish): Command {
  const program = new Command('portolan')
    .description('Keeps registries equal to what the containers of this host offer.')
    .option('-c, --config <file>', `configuration file (env: ${CONFIG_VARIABLE})`)
    .version(io.version, '-V, --version')
    .helpCommand(true)
    .addHelpText('after', `\nExit codes:\n${EXIT_TEXT.map((line) => `  ${line}\n`).join('')}`)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: io.stdout,
      writeErr: io.stderr,
      outputError: (text, write) => {
        write(complaint(text));
      },
      getOutHasColors: () => io.color,
      getErrHasColors: () => false,
    });
  program.addCommand(runCommand(io, finish));
  program.addCommand(listenCommand(io, finish));
  program.addCommand(announceCommand(io, finish));
  program.addCommand(planCommand(io, finish));
  program.addCommand(getCommand(io, finish));
  program.addCommand(explainCommand(io, finish));
  program.addCommand(drainCommand('drain', io, finish));
  program.addCommand(drainCommand('undrain', io, finish));
  program.addCommand(orphansCommand(io, finish));
  program.addCommand(hostsCommand(io, finish));
  program.addCommand(healthCommand(io, finish));
  program.addCommand(doctorCommand(io, finish));
  program.addCommand(configCommand(io, finish));
  program.addCommand(completionCommand(io, finish));
  program.addCommand(versionCommand(io, finish));
  for (const command of withSubcommands(program)) command.copyInheritedSettings(program);
  return program;
}

/** The program's commands and theirs, in order. */
export function withSubcommands(command: Command): Command[] {
  return command.commands.flatMap((child) => [child, ...withSubcommands(child)]);
}

const output = (choices: readonly string[], first: string): Option =>
  new Option('-o, --output <form>', 'form of the output').choices([...choices]).default(first);

function runCommand(io: CliIo, finish: Finish): Command {
  const command = new Command('run')
    .summary('run the agent')
    .description(
      'Runs the agent in the foreground: announces what the containers of this host offer, until it is stopped.',
    )
    .action(async () => {
      finish(await run(command, io));
    });
  return addOldFlags(
    addSettings(command, () => true),
    false,
  );
}

function listenCommand(io: CliIo, finish: Finish): Command {
  const command = new Command('listen')
    .summary('serve proxies alone, without Docker')
    .description(
      'Keeps the proxies of the configuration equal to what a registry holds, in the foreground, until it is stopped; they then stay as they are. For a machine or a container that consumes services and announces none. It needs a real registry, and no Docker engine. Without proxies in the configuration it serves an HAProxy whose files lie in the folder haproxy of the state folder: start it with "haproxy -W -S <state folder>/haproxy/master.sock -f <state folder>/haproxy/conf".',
    )
    .option('--announce', 'also announce what listens in this container, as "portolan announce" does')
    .action(async () => {
      const env = command.opts<{ announce?: boolean }>().announce === true ? io.env : undefined;
      finish(await run(command, io, (agent, config, lent) => agent.listen(config, lent, env)));
    });
  return addSettings(command, (setting) => forListening(setting) || setting.path === ANNOUNCE_PREFIX);
}

function announceCommand(io: CliIo, finish: Finish): Command {
  const command = new Command('announce')
    .summary('announce from within a container, without Docker')
    .description(
      'Announces in a registry what ANNOUNCE_PATH, PORT and TYPE (and ANNOUNCE_<port>_PATH, ANNOUNCE_<port>_TYPE) in its environment say, while the port listens, in the foreground, until it is stopped: a process beside the service, in the same container, under a supervisor. The record hangs on a lease (--lease-ttl) that is kept alive; when the port no longer listens or the process is told to end, it is removed at once. A record of somebody else is never touched. It needs a real registry, and no Docker engine and no folder; with --dry-run it prints keys and values. Linux only.',
    )
    .action(async () => {
      finish(await run(command, io, (agent, config, lent) => agent.announce(config, lent, io.env)));
    });
  return addSettings(command, forAnnouncing);
}

function planCommand(io: CliIo, finish: Finish): Command {
  const command = new Command('plan')
    .alias('diff')
    .summary('show what would change')
    .description(
      'Shows what a pass would change in registries and proxies, and why. With a registry (--registry) it makes a pass of its own that writes nothing; without one it asks the running agent.',
    )
    .addOption(output(['text', 'json', 'yaml'], 'text'))
    .action(async () => {
      finish(await plan(command, io));
    });
  return addOldFlags(addSettings(command, forLooking), true);
}

function getCommand(io: CliIo, finish: Finish): Command {
  const command = new Command('get')
    .summary('list what the agent knows')
    .description(
      'Lists services, containers, hosts, records, proxies or routes (what proxies serve), as the running agent sees them, or history: the last changes of all services, the latest first.',
    )
    .addArgument(new Argument('<what>', 'what to list').choices([...RESOURCES]))
    .addOption(output(['table', 'wide', 'json', 'yaml'], 'table'))
    .option('-w, --watch', 'show the list again whenever it changes')
    .action(async (what: Resource) => {
      finish(await get(what, command, io));
    });
  return addSettings(command, ({ path }) => CLIENT_SETTINGS.has(path));
}

function explainCommand(io: CliIo, finish: Finish): Command {
  const command = new Command('explain')
    .summary('tell why a container is published, or not')
    .description(
      'Tells the whole story of one container: what each dialect read, the address chosen and why, its state, its record in each registry, how each proxy serves it, or why not, and what happened to it lately. Also for a container that is not published, or that is gone for less than an hour.',
    )
    .argument('<container>', 'its name, its id or the beginning of its id')
    .addOption(output(['text', 'json', 'yaml'], 'text'))
    .action(async (reference: string) => {
      finish(await explain(reference, command, io));
    });
  return addSettings(command, ({ path }) => CLIENT_SETTINGS.has(path));
}

const DRAIN_TEXT = {
  drain: {
    summary: 'take a container or the whole host out of rotation',
    description:
      'Takes a container, or every container of this host, out of rotation until undrain: its records stay and are marked as draining. The order is kept in the registries and in the state folder: it outlives the agent, a restart of the container, and holds for a container that does not run until it starts. It ends with undrain, or when the container is removed.',
    wait: 'wait until every registry has acknowledged the order and no proxy that serves it has an open session',
    late: '75 when a target has not acknowledged in time or a proxy still has open sessions, and 76 when a proxy keeps it in rotation because it is the last server of a service (held: last server)',
  },
  undrain: {
    summary: 'end a drain',
    description:
      'Ends a drain by command, in every registry, also in one that is away now. A container that was told to stop, or that is unhealthy, goes on draining. The drain of the whole host and those of single containers end separately.',
    wait: 'wait until every registry has acknowledged the order',
    late: 'and 75 when a target has not acknowledged in time',
  },
} as const;

function drainCommand(what: 'drain' | 'undrain', io: CliIo, finish: Finish): Command {
  const { summary, description, wait, late } = DRAIN_TEXT[what];
  const command = new Command(what)
    .summary(summary)
    .description(
      `${description} Exits 0 when the order was given (with --wait: when every target has acknowledged it), 66 when there is no such container or the name may mean several, 69 when no agent answers, ${late}.`,
    )
    .argument(
      '[container]',
      'its name, its id or the beginning of its id; engine/name where the agent has several',
    )
    .option('--host', 'the whole host, also containers that start later')
    .option('--engine <name>', 'of this engine, where the agent has several')
    .option('--wait', wait)
    .addOption(
      new Option('--timeout <duration>', 'how long --wait waits')
        .default(60_000, '60s')
        .argParser((text: string) => {
          const ms = parseDuration(text);
          if (ms !== undefined) return ms;
          throw new InvalidArgumentError('Write a number and a unit, such as 250ms, 15s or 5m.');
        }),
    )
    .addOption(output(['text', 'json', 'yaml'], 'text'))
    .action(async (reference: string | undefined) => {
      finish(await drain(what, reference, command, io));
    });
  return addSettings(command, ({ path }) => CLIENT_SETTINGS.has(path));
}

function orphansCommand(io: CliIo, finish: Finish): Command {
  const command = new Command('orphans')
    .summary('list what lost hosts left')
    .description(
      'Lists what hosts without a heartbeat left in the registries: what becomes of each record, when, and why not yet.',
    )
    .addOption(output(['table', 'wide', 'json', 'yaml'], 'table'))
    .option('-w, --watch', 'show the list again whenever it changes')
    .action(async () => {
      finish(await get('orphans', command, io));
    });
  return addSettings(command, ({ path }) => CLIENT_SETTINGS.has(path));
}

function hostsCommand(io: CliIo, finish: Finish): Command {
  const removing = new Command('remove')
    .summary('remove what a host left that will not come back')
    .description(
      'Removes every record and all bookkeeping of a host from every registry, at once. A host whose agent runs is never removed. Exits 66 when no registry knows the host, and 69 when no agent answers.',
    )
    .argument('<owner>', 'its owner id, as "portolan get hosts" shows it')
    .option('--force', 'also a host whose agent was stopped and left its records to the next one')
    .addOption(output(['text', 'json', 'yaml'], 'text'))
    .action(async (owner: string) => {
      finish(await removeHost(owner, removing, io));
    });
  return new Command('hosts')
    .description('Acts on hosts; "portolan get hosts" lists them.')
    .addCommand(addSettings(removing, ({ path }) => CLIENT_SETTINGS.has(path)));
}

function healthCommand(io: CliIo, finish: Finish): Command {
  const command = new Command('health')
    .summary('tell whether the agent is ready')
    .description('Exits 0 when the running agent is ready, else 1, and says what it waits for.')
    .option('--live', 'only ask whether it answers')
    .action(async () => {
      finish(await health(command, io));
    });
  return addSettings(command, ({ path }) => CLIENT_SETTINGS.has(path));
}

function doctorCommand(io: CliIo, finish: Finish): Command {
  const command = new Command('doctor')
    .summary('look for what is wrong, and say what to do about it')
    .description(
      'Examines the engine and its socket, every registry, the state folder, ports, limits, clocks, proxies, and containers that look as if they were meant to be published and are not. It writes nothing and needs no running agent; it asks the one that runs. Exits 0 when nothing is wrong, 1 when there are errors, and 2 when there are only warnings. hack/reference/doctor.md lists everything that it can find.',
    )
    .addOption(output(['text', 'json', 'yaml'], 'text'))
    .action(async () => {
      finish(await doctor(command, io));
    });
  return addSettings(command, forLooking);
}

function configCommand(io: CliIo, finish: Finish): Command {
  const checking = new Command('check')
    .description(
      'Reports everything that is wrong with the configuration, each with its place and its remedy.',
    )
    .action(() => {
      finish(check(checking, io));
    });
  const printing = new Command('print')
    .description('Prints every setting, its value and where it came from. Secrets are hidden.')
    .addOption(output(['text', 'json', 'yaml'], 'text'))
    .action(() => {
      finish(print(printing, io));
    });
  const describing = new Command('schema')
    .description('Prints the JSON Schema of the configuration file.')
    .action(() => {
      finish(schema(io));
    });
  return new Command('config')
    .description('Checks, prints and describes the configuration.')
    .addCommand(
      addOldFlags(
        addSettings(checking, () => true),
        true,
      ),
    )
    .addCommand(
      addOldFlags(
        addSettings(printing, () => true),
        true,
      ),
    )
    .addCommand(describing);
}

function completionCommand(io: CliIo, finish: Finish): Command {
  const command = new Command('completion')
    .summary('print what makes a shell complete commands, options and containers')
    .description(
      'Prints a script that makes a shell complete commands, options, their values and names of containers. bash: source <(portolan completion bash), or into /etc/bash_completion.d/portolan; zsh: into a folder of fpath, as _portolan; fish: into ~/.config/fish/completions/portolan.fish.',
    )
    .addArgument(new Argument('<shell>', 'which shell').choices([...SHELLS]))
    .action((shell: Shell) => {
      finish(completion(shell, command.parent ?? command, io));
    });
  return command;
}

function versionCommand(io: CliIo, finish: Finish): Command {
  return new Command('version').description('Prints the version.').action(() => {
    io.stdout(
      `portolan ${io.version} (node ${process.versions.node}, ${process.platform} ${process.arch})\n`,
    );
    finish(EXIT.ok);
  });
}

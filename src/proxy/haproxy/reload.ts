import { fail, ok, type Result } from '../../core/failure.ts';
import { type Clock, sleep } from '../../core/ports.ts';
import { readCommand, runCommand } from '../command.ts';
import { OwnFolder } from '../files.ts';
import { parseBackends } from './answers.ts';
import { readInfo } from './reader.ts';
import type { Files } from './render.ts';
import type { HaproxySettings } from './settings.ts';
import { AdminSocket } from './socket.ts';
import { checkProblem } from './start-problem.ts';

const CHECK_LIMIT_MS = 30_000;
const COMMAND_LIMIT_MS = 30_000;
const CONFIRM_LIMIT_MS = 10_000;
const CONFIRM_EVERY_MS = 20;

export interface ReloadContext {
  readonly settings: HaproxySettings;
  readonly socket: AdminSocket;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Where the front end is the user's, our files alone have none. */
const LACKS_LISTENER = /^Configuration file has no error but will not start \(no listener\)/m;

/** Lets HAProxy itself judge files, in a folder beside the real one. `render`: the files for a folder. */
export async function checkFiles(
  render: (folder: string) => Files,
  { settings, clock, signal }: ReloadContext,
): Promise<Result<void>> {
  // HAProxy runs elsewhere, such as in a container of its own.
  if (settings.check.length === 0) return ok(undefined);
  const staging = new OwnFolder(`${settings.folder}/.check`);
  try {
    await staging.clear();
    for (const [name, text] of render(staging.path)) await staging.write(name, text);
  } catch (error) {
    return fail('proxy-files', String(error));
  }
  const argv = [...settings.check, `${staging.path}/conf`];
  const { output, problem } = await readCommand(argv, { clock, limitMs: CHECK_LIMIT_MS, signal });
  await staging.clear().catch(() => undefined);
  return problem === undefined || LACKS_LISTENER.test(output)
    ? ok(undefined)
    : fail('proxy-invalid', checkProblem(output) ?? problem);
}

/** Asks for a reload and waits until a process answers that has every backend of `needed`. */
export async function reload(needed: ReadonlySet<string>, context: ReloadContext): Promise<Result<void>> {
  const { settings, socket, clock, signal } = context;
  const before = await readInfo(socket, signal);
  const asked = await ask(context);
  if (!asked.ok) return asked;
  const deadline = clock.monotonic() + CONFIRM_LIMIT_MS;
  let why = 'no other process answers';
  while (clock.monotonic() < deadline && !signal.aborted) {
    const now = await readInfo(socket, signal);
    if (now.ok && !(before.ok && now.value.id === before.value.id)) {
      const backends = await socket.ask('show backend', signal);
      const running = backends.ok ? parseBackends(backends.value) : new Set<string>();
      const missing = [...needed].filter((backend) => !running.has(backend));
      if (backends.ok && missing.length === 0) return ok(undefined);
      why = `it runs without ${missing.slice(0, 3).join(', ')}; does its configuration include ${settings.folder}/conf?`;
    }
    await sleep(clock, CONFIRM_EVERY_MS, signal);
  }
  return fail('proxy-not-reloaded', why);
}

async function ask({ settings, clock, signal }: ReloadContext): Promise<Result<void>> {
  const way = settings.reload;
  switch (way.type) {
    case 'none':
      return fail('proxy-not-reloaded', 'no way to reload is configured; reload it by hand');
    case 'command': {
      const problem = await runCommand(way.argv, { clock, limitMs: COMMAND_LIMIT_MS, signal });
      return problem === undefined ? ok(undefined) : fail('proxy-not-reloaded', problem);
    }
    case 'master': {
      // From 2.7 on the master answers when the new worker is ready, or why it is not; 2.6 just closes.
      const answer = await new AdminSocket(way.socket, clock).ask('reload', signal);
      if (!answer.ok) return answer;
      if (/^Success=0/m.test(answer.value)) return fail('proxy-not-reloaded', answer.value.slice(0, 600));
      return ok(undefined);
    }
  }
}

import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { type Finding, finding, type RunningAgent } from '../../core/doctor.ts';
import { codeOf } from '../../core/failure.ts';
import { StateFolder } from '../../state/folder.ts';

/** Below it an agent with many connections and watches may fail. */
const FEW_FILES = 1024;

/** What the folder of the state looks like to this user. */
export async function examineFolder(path: string, uid: number | undefined): Promise<readonly Finding[]> {
  const subject = `state folder ${path}`;
  const there = nearestFolder(path);
  const denied = deniedAt(there);
  if (denied !== undefined) return [finding('state-folder-denied', subject, denied)];
  if (there !== path) return [];
  const owner = statSync(path).uid;
  const foreign =
    uid !== undefined && uid !== 0 && owner !== uid
      ? [finding('state-folder-foreign', subject, `belongs to the user with the id ${String(owner)}`)]
      : [];
  try {
    await new StateFolder(path).ownerId();
    return foreign;
  } catch (error) {
    const code = codeOf(error);
    return [...foreign, finding('state-folder-damaged', subject, `the file owner cannot be read (${code})`)];
  }
}

/** The folder itself, or the one in which it would be made. */
function nearestFolder(path: string): string {
  for (let folder = path; ; folder = dirname(folder)) {
    try {
      statSync(folder);
      return folder;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if ((code !== 'ENOENT' && code !== 'ENOTDIR') || folder === dirname(folder)) return folder;
    }
  }
}

function deniedAt(folder: string): string | undefined {
  try {
    if (!statSync(folder).isDirectory()) return `${folder} is no folder`;
    accessSync(folder, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return `${folder} cannot be written by this user (${codeOf(error)})`;
  }
}

/** Whether this process may write there; undefined: it may. */
export const writableProblem = (folder: string): string | undefined => deniedAt(nearestFolder(folder));

/** Listens for a moment and lets go; `free`: nothing stands against it. */
export type TryPort = (host: string, port: number) => Promise<'free' | 'taken' | 'denied' | 'unknown'>;

export const tryPort: TryPort = (host, port) =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', ({ code }: NodeJS.ErrnoException) => {
      resolve(code === 'EADDRINUSE' ? 'taken' : code === 'EACCES' ? 'denied' : 'unknown');
    });
    // `exclusive`: of this process alone.
    server.listen({ host, port, exclusive: true }, () => {
      server.close(() => {
        resolve('free');
      });
    });
  });

export interface Bind {
  readonly subject: string;
  readonly host: string;
  readonly port: number;
}

export async function examinePorts(binds: readonly Bind[], tries: TryPort): Promise<readonly Finding[]> {
  const found: Finding[] = [];
  for (const { subject, host, port } of binds) {
    const where = `${host}:${String(port)}`;
    const state = await tries(host, port);
    if (state === 'taken') found.push(finding('port-taken', subject, `another process listens on ${where}`));
    if (state === 'denied')
      found.push(finding('port-denied', subject, `this user may not listen on ${where}`));
  }
  return found;
}

/** Limits of this process, which those of an agent started in the same way have as well. */
export function examineLimits(
  read: () => string = () => readFileSync('/proc/self/limits', 'utf8'),
): readonly Finding[] {
  let text: string;
  try {
    text = read();
  } catch {
    return [];
  }
  const soft = Number(/^Max open files +(\d+)/m.exec(text)?.[1] ?? Number.POSITIVE_INFINITY);
  return soft < FEW_FILES ? [finding('few-files', 'limits', `only ${String(soft)} files may be open`)] : [];
}

export function examineAgent(agent: RunningAgent): readonly Finding[] {
  const subject = 'agent';
  if (agent.type !== 'running') return [finding(`agent-${agent.type}`, subject, agent.why)];
  const { version, ready, waitingFor, targets, containers, services } = agent.status;
  const size = `version ${version}, ${String(containers)} containers, ${String(services)} services`;
  const troubled = targets.flatMap(({ target, conflicts, failing, brakeEngaged, engine }) => {
    const what = [
      ...(conflicts > 0 ? [`${String(conflicts)} record(s) are held by somebody else`] : []),
      ...(failing > 0 ? [`${String(failing)} record(s) could not be written`] : []),
      ...(brakeEngaged ? ['the brake holds removals back'] : []),
    ].join(', ');
    const of = engine === undefined ? target : `${target} (${engine})`;
    return what === '' ? [] : [finding('agent-trouble', `registry ${of}`, what)];
  });
  return ready
    ? [finding('agent-ready', subject, `is ready: ${size}`), ...troubled]
    : [...waitingFor.map((what) => finding('agent-not-ready', subject, `waits for ${what}`)), ...troubled];
}

import type { ProxySettings } from '../../config/proxies.ts';
import { type Finding, finding } from '../../core/doctor.ts';
import type { Result } from '../../core/failure.ts';
import type { Clock } from '../../core/ports.ts';
import { readCommand } from '../../proxy/command.ts';
import { isOldVersion } from '../../proxy/haproxy/answers.ts';
import { readInfo } from '../../proxy/haproxy/reader.ts';
import { AdminSocket } from '../../proxy/haproxy/socket.ts';
import { installedVersion } from '../../proxy/haproxy/start-problem.ts';
import { writableProblem } from './machine.ts';

const PROGRAM_MS = 5000;

export interface ProxyPatient {
  readonly settings: Pick<ProxySettings, 'name' | 'managed' | 'program' | 'folder'>;
  readonly socket: Pick<AdminSocket, 'ask' | 'path'>;
  /** What `<program> -v` prints; undefined: it cannot be run. */
  readonly printedVersion: (signal: AbortSignal) => Promise<string | undefined>;
  readonly folderProblem: (folder: string) => string | undefined;
  /** An agent runs here: what it manages should answer. */
  readonly agentRuns: boolean;
}

export function proxyPatient(settings: ProxySettings, agentRuns: boolean, clock: Clock): ProxyPatient {
  return {
    ...{ settings, agentRuns, folderProblem: writableProblem },
    socket: new AdminSocket(settings.socket, clock),
    printedVersion: async (signal) => {
      const ended = await readCommand([settings.program, '-v'], { clock, limitMs: PROGRAM_MS, signal });
      return ended.problem === undefined ? ended.output : undefined;
    },
  };
}

/** Whether an HAProxy can be driven: its process, the level of its socket, its folder; a managed one's program. */
export async function examineProxy(patient: ProxyPatient, signal: AbortSignal): Promise<readonly Finding[]> {
  const { name, folder } = patient.settings;
  const subject = `proxy ${name}`;
  const denied = patient.folderProblem(folder);
  return [
    ...(denied === undefined ? [] : [finding('proxy-folder-denied', subject, denied)]),
    ...(await programFindings(patient, subject, signal)),
    ...(await socketFindings(patient, subject, signal)),
  ];
}

async function programFindings(
  { settings: { managed, program }, printedVersion }: ProxyPatient,
  subject: string,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  if (!managed) return [];
  const printed = await printedVersion(signal);
  const version = printed === undefined ? undefined : installedVersion(printed);
  if (version === undefined)
    return [finding('proxy-unsupported', subject, `the program ${program} is no HAProxy that can be run`)];
  return isOldVersion(version)
    ? [finding('proxy-unsupported', subject, `the program ${program} is HAProxy ${version}`)]
    : [];
}

async function socketFindings(
  { settings: { managed }, socket, agentRuns }: ProxyPatient,
  subject: string,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const info = await readInfo(socket, signal);
  // Without an agent nobody has started it, which is as it should be.
  if (!info.ok) return managed && !agentRuns ? [] : [failed(subject, info)];
  const level = await socket.ask('show cli level', signal);
  if (!level.ok) return [failed(subject, level)];
  const said = level.value.trim();
  return said === 'admin'
    ? [finding('proxy-answers', subject, `HAProxy ${info.value.version} answers on its admin socket`)]
    : [
        finding(
          'proxy-level',
          subject,
          `its socket has the level ${/^[a-z]{1,20}$/.exec(said)?.[0] ?? 'user'}`,
        ),
      ];
}

function failed(subject: string, { failure }: Extract<Result<unknown>, { readonly ok: false }>): Finding {
  const { code, message } = failure;
  const known = code === 'proxy-denied' || code === 'proxy-unsupported' ? code : 'proxy-unreachable';
  return finding(known, subject, message);
}

import type { Command } from 'commander';
import type { DoctorView, RunningAgent } from '../../core/doctor.ts';
import type { StatusView } from '../../core/status.ts';
import { painter } from '../../telemetry/paint.ts';
import { agentAddress } from '../agent-address.ts';
import { ask } from '../client.ts';
import { type Configured, configured, showWarnings } from '../configured.ts';
import { renderDoctor } from '../doctor-text.ts';
import { AgentAway, CliError, EXIT } from '../exit.ts';
import type { CliIo } from '../io.ts';
import { toJson, toYaml } from '../structured.ts';

/** How long a living agent may take to say how it is. */
const AGENT_MS = 3000;

/** Looks for what is wrong, on this host and with all that the settings name; needs no running agent. */
export async function doctor(command: Command, io: CliIo): Promise<number> {
  const loaded = configured(command, io, true);
  showWarnings(loaded, io);
  const view = await examine(loaded, await agentOf(loaded, io), io);
  const { output } = command.opts<{ output: string }>();
  if (output === 'json') io.stdout(toJson(view));
  else if (output === 'yaml') io.stdout(toYaml(view));
  else io.stdout(renderDoctor(view, painter(io.color)));
  if (view.errors > 0) return EXIT.error;
  return view.warnings > 0 ? EXIT.warnings : EXIT.ok;
}

async function examine({ config }: Configured, agent: RunningAgent, io: CliIo): Promise<DoctorView> {
  // What is wrong is a finding; the log of the parts that are tried would only say it twice.
  const silent = { debug: nothing, info: nothing, warn: nothing, error: nothing };
  const { clock, random, stdout, signal, version, color } = io;
  return await io.agent.diagnose(config, agent, {
    ...{ log: silent, clock, random, stdout, signal, version, color },
  });
}

const nothing = (): void => undefined;

async function agentOf(loaded: Configured, io: CliIo): Promise<RunningAgent> {
  const late = new AbortController();
  const cancel = io.clock.timer(AGENT_MS, () => {
    late.abort();
  });
  try {
    const signal = AbortSignal.any([io.signal, late.signal]);
    const { status, body } = await ask(agentAddress(loaded), '/v1/status', signal);
    return status === 200
      ? { type: 'running', status: body as StatusView }
      : { type: 'silent', why: `answers with status ${String(status)}` };
  } catch (error) {
    if (io.signal.aborted) throw error;
    if (late.signal.aborted) return { type: 'silent', why: `does not answer within ${String(AGENT_MS)} ms` };
    if (!(error instanceof CliError)) throw error;
    return { type: error instanceof AgentAway ? 'away' : 'denied', why: error.message };
  } finally {
    cancel();
  }
}

import type { Command } from 'commander';
import { countChanges, isWhole, renderPlan } from '../../core/diff.ts';
import type { PlanView } from '../../core/status.ts';
import { painter } from '../../telemetry/paint.ts';
import { agentAddress } from '../agent-address.ts';
import { ask, errorOf } from '../client.ts';
import { type Configured, configured, showWarnings } from '../configured.ts';
import { EXIT } from '../exit.ts';
import type { CliIo } from '../io.ts';
import { toJson, toYaml } from '../structured.ts';

/** What a pass would change: asked of the running agent, or found out by a pass of one's own against real registries. */
export async function plan(command: Command, io: CliIo): Promise<number> {
  const loaded = configured(command, io, true);
  showWarnings(loaded, io);
  const real = loaded.config.registries.some(({ kind }) => kind !== 'memory');
  const view = real ? await ownPass(loaded, io) : await askAgent(loaded, io);
  const { output } = command.opts<{ output: string }>();
  if (output === 'json') io.stdout(toJson(view));
  else if (output === 'yaml') io.stdout(toYaml(view));
  else io.stdout(renderPlan(view, painter(io.color)));
  // A plan with a part missing is no answer, even when the other part has changes.
  if (!isWhole(view)) return EXIT.error;
  return countChanges(view) > 0 ? EXIT.changes : EXIT.ok;
}

async function askAgent(loaded: Configured, io: CliIo): Promise<PlanView> {
  const reply = await ask(agentAddress(loaded), '/v1/plan', io.signal);
  if (reply.status !== 200) throw errorOf(reply);
  return reply.body as PlanView;
}

async function ownPass({ config, origins }: Configured, io: CliIo): Promise<PlanView> {
  // The output is the plan; what the pass has to say goes beside it, and only when it is serious or asked for.
  const asked = origins.get('log.level')?.type !== 'default';
  const log = io.openLog({ level: asked ? config.log.level : 'error', format: config.log.format, fd: 2 });
  const { clock, random, stdout, signal, version, color } = io;
  try {
    const once = { ...config, dryRun: true, once: true };
    return await io.agent.planOnce(once, { log, clock, random, stdout, signal, version, color });
  } finally {
    log.flush();
  }
}

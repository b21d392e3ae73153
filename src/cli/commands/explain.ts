import type { Command } from 'commander';
import { nearest } from '../../core/nearest.ts';
import { printable } from '../../core/printable.ts';
import type { ContainerView, ExplainView } from '../../core/status.ts';
import { painter } from '../../telemetry/paint.ts';
import { agentAddress } from '../agent-address.ts';
import { type AgentAddress, ask, errorOf } from '../client.ts';
import { configured } from '../configured.ts';
import { EXIT } from '../exit.ts';
import { renderExplain } from '../explain-text.ts';
import type { CliIo } from '../io.ts';
import { toJson, toYaml } from '../structured.ts';

/** Why a container is published as it is, or is not published. */
export async function explain(reference: string, command: Command, io: CliIo): Promise<number> {
  const agent = agentAddress(configured(command, io, false));
  const reply = await ask(agent, `/v1/explain/${encodeURIComponent(reference)}`, io.signal);
  if (reply.status !== 200) throw errorOf(reply);
  const view = reply.body as ExplainView;
  const { output } = command.opts<{ output: string }>();
  if (output === 'json') io.stdout(toJson(view));
  else if (output === 'yaml') io.stdout(toYaml(view));
  else io.stdout(renderExplain(view, io.clock.now(), painter(io.color)));
  if (view.seen || view.history.length > 0) return EXIT.ok;
  const near = await similar(reference, agent, io);
  if (near !== undefined) io.stderr(`Did you mean ${printable(near)}?\n`);
  return EXIT.error;
}

async function similar(reference: string, agent: AgentAddress, io: CliIo): Promise<string | undefined> {
  const { status, body } = await ask(agent, '/v1/containers', io.signal);
  if (status !== 200 || !Array.isArray(body)) return undefined;
  return nearest(
    reference,
    (body as readonly ContainerView[]).map(({ name }) => name),
  );
}

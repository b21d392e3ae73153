import { printable } from '../../core/printable.ts';
import type { Acknowledgement, OrderView } from '../../core/status.ts';
import { type AgentAddress, follow } from '../client.ts';
import type { CliIo } from '../io.ts';

/** An order that was given: about whom, and what it made of them. */
interface Given {
  readonly subject: string;
  readonly engine?: string;
  readonly drained: boolean;
  readonly at: number;
}

/**
 * `held`: nothing is left but servers that proxies keep in rotation, for they are the last ones of their service.
 * `overtaken`: another order came meanwhile, or what was to drain is gone.
 */
export interface Waited {
  readonly end: 'acknowledged' | 'held' | 'late' | 'overtaken';
  readonly missing: readonly Acknowledgement[];
}

/** Waits until every registry and every proxy shows the order, and says on the standard error who is waited for. */
export async function awaitTargets(
  given: Given,
  agent: AgentAddress,
  timeoutMs: number,
  io: CliIo,
): Promise<Waited> {
  const over = new AbortController();
  const cancel = io.clock.timer(timeoutMs, () => {
    over.abort();
  });
  let waited: Waited = { end: 'late', missing: [] };
  let said = '';
  const look = (body: unknown): void => {
    if (over.signal.aborted || !Array.isArray(body)) return;
    waited = judge(given, body as readonly OrderView[]);
    if (waited.end !== 'late') over.abort();
    const text = waited.missing.map(({ target, why }) => `waiting for ${target}: ${why ?? ''}`).join('\n');
    if (text !== said && text !== '')
      for (const line of text.split('\n')) io.stderr(`portolan: ${printable(line)}\n`);
    said = text;
  };
  const signal = AbortSignal.any([io.signal, over.signal]);
  try {
    await follow(agent, '/v1/orders', look, signal);
  } catch (error) {
    if (!over.signal.aborted) throw error;
  } finally {
    cancel();
  }
  return waited;
}

/** The end of a drain that every target knows is not listed any more. */
function judge({ subject, engine, drained, at }: Given, views: readonly OrderView[]): Waited {
  const view = views.find((order) => order.subject === subject && order.engine === engine);
  if (view === undefined) return { end: drained ? 'overtaken' : 'acknowledged', missing: [] };
  if (view.drained !== drained || view.at > at) return { end: 'overtaken', missing: [] };
  const missing = view.targets.filter(({ acknowledged }) => !acknowledged);
  if (missing.length === 0) return { end: 'acknowledged', missing };
  return { end: missing.every(({ held }) => held === true) ? 'held' : 'late', missing };
}

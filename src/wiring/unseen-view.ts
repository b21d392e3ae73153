import type { HistoryView } from '../core/history.ts';
import type { ExplainView } from '../core/status.ts';

/** What is told of a container that nobody sees. */
export function unseenView(
  reference: string,
  summary: string,
  history: readonly HistoryView[] = [],
): ExplainView {
  return {
    ...{ reference, seen: false, container: undefined, published: false, summary },
    ...{ dialects: [], reasons: [], endpoints: [], proxies: [], history, orders: [] },
  };
}

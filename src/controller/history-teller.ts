import type { TellOutcome } from './journal.ts';
import type { Outlook } from './outlook.ts';
import type { TargetOptions } from './target-options.ts';

/** Whoever keeps the journal of a target tells the history too, as far as it is about an endpoint. */
export function tellHistory(
  { history, reader }: Pick<TargetOptions, 'history' | 'reader'>,
  outlook: Pick<Outlook, 'desired'>,
): TellOutcome {
  return ({ key, cause, group }, entry, done) => {
    const endpoint = group ?? outlook.desired(key)?.group;
    if (endpoint === undefined) return;
    const { action, revision } = done ?? {};
    history.told({ target: reader.target, endpoint, key, cause, entry, action, revision });
  };
}

import { compareText } from './order.ts';
import { compareRevisions, type Revision } from './record.ts';

/** Which service has which host name: the one whose claim is the oldest. */
export class HostClaims {
  /** By host name, then by path: the age of the claim. */
  readonly #claims = new Map<string, Map<string, Revision>>();

  winner(host: string): string | undefined {
    let best: { readonly path: string; readonly since: Revision } | undefined;
    for (const [path, since] of this.#claims.get(host) ?? [])
      if (best === undefined || (compareRevisions(since, best.since) || compareText(path, best.path)) < 0)
        best = { path, since };
    return best?.path;
  }

  /** Replaces what `path` claims; answers the other paths that won or lost a name by it. */
  replace(
    path: string,
    before: readonly string[],
    after: readonly string[],
    since: Revision,
  ): ReadonlySet<string> {
    const touched = new Set([...before, ...after]);
    const winners = [...touched].map((host) => [host, this.winner(host)] as const);
    for (const host of before) this.#drop(host, path);
    for (const host of after) this.#add(host, path, since);
    const moved = new Set<string>();
    for (const [host, earlier] of winners) {
      const now = this.winner(host);
      // A loser's note names the winner, so a new winner concerns everybody who claims the name.
      if (now !== earlier) for (const claimant of this.#claims.get(host)?.keys() ?? []) moved.add(claimant);
    }
    moved.delete(path);
    return moved;
  }

  #add(host: string, path: string, since: Revision): void {
    const claims = this.#claims.get(host) ?? new Map<string, Revision>();
    claims.set(path, since);
    this.#claims.set(host, claims);
  }

  #drop(host: string, path: string): void {
    const claims = this.#claims.get(host);
    claims?.delete(path);
    if (claims?.size === 0) this.#claims.delete(host);
  }
}

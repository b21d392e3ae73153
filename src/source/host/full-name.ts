import { execFileSync } from 'node:child_process';

const PATIENCE_MS = 2000;

/** Asks once what `hostname -f` prints, when it is first wanted; undefined where nobody can tell. */
export function fullHostName(): () => string | undefined {
  let asked: { readonly name: string | undefined } | undefined;
  return () => {
    asked ??= { name: ask() };
    return asked.name;
  };
}

function ask(): string | undefined {
  try {
    const output = execFileSync('hostname', ['-f'], {
      timeout: PATIENCE_MS,
      stdio: ['ignore', 'pipe', 'ignore'],
      encoding: 'utf8',
    });
    return output.trim() || undefined;
  } catch {
    // No such program, or a name server that does not answer.
    return undefined;
  }
}

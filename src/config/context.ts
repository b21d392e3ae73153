import { codeOf } from '../core/failure.ts';
import { DEFAULT_ORIGIN, type Given, joinPath, type Problem, shownPath } from './problem.ts';

/** What the configuration takes from the machine. */
export interface Machine {
  /** undefined where there are no user ids. */
  readonly uid: number | undefined;
  readonly home: string;
  readonly stateHome: string | undefined;
  /** Where sockets of this user's services lie. */
  readonly runtimeDir: string | undefined;
  /** Its name with the domain, as `hostname -f` prints it; undefined where nobody can tell. */
  readonly fullHostName: () => string | undefined;
  /** Throws when the file cannot be read. */
  readonly readFile: (path: string) => string;
  /** False for commands that only talk to a running agent: they need neither passwords nor certificates. */
  readonly readSecrets: boolean;
  /** Epoch milliseconds; certificates are judged by it. */
  readonly now: () => number;
}

/** What is at hand, and what is collected, while settings are resolved. */
export interface Context {
  readonly given: ReadonlyMap<string, Given>;
  readonly machine: Machine;
  readonly problems: Problem[];
  readonly warnings: Problem[];
}

/** The value, or the whole list or group that it belongs to, says where it came from. */
function originOf(keys: readonly PropertyKey[], given: ReadonlyMap<string, Given>): Problem['origin'] {
  for (let length = keys.length; length > 0; length -= 1) {
    const found = given.get(keys.slice(0, length).join('.'));
    if (found !== undefined) return found.within?.(keys.slice(length)) ?? found.origin;
  }
  const inside = [...given].find(([path]) => path.startsWith(`${keys.join('.')}.`));
  return inside?.[1].origin ?? DEFAULT_ORIGIN;
}

export function complain(
  { problems, given }: Context,
  keys: readonly PropertyKey[],
  what: string,
  { remedy }: { readonly remedy: string },
): void {
  const setting = joinPath(keys);
  // A file that serves several registries is wrong once.
  if (!problems.some((known) => known.setting === setting && known.what === what))
    problems.push({ origin: originOf(keys, given), setting, what, remedy });
}

/** The text of a file of secrets; undefined when it is not to be read, or cannot be, which is a problem then. */
export function readText(path: string, keys: readonly PropertyKey[], context: Context): string | undefined {
  if (!context.machine.readSecrets) return undefined;
  try {
    return context.machine.readFile(path);
  } catch (error) {
    const code = codeOf(error);
    const remedy = 'check the path and who may read it';
    complain(context, keys, `names a file that cannot be read, ${shownPath(path)} (${code})`, { remedy });
    return undefined;
  }
}

export function warn(
  { warnings, given }: Context,
  keys: readonly PropertyKey[],
  what: string,
  remedy: string,
): void {
  const setting = joinPath(keys);
  if (!warnings.some((known) => known.setting === setting && known.what === what))
    warnings.push({ origin: originOf(keys, given), setting, what, remedy });
}

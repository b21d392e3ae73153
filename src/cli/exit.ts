/** Exit codes, the same for every command; documented in `--help` and in the reference. */
export const EXIT = {
  ok: 0,
  error: 1,
  changes: 2,
  warnings: 2,
  usage: 64,
  unknown: 66,
  away: 69,
  late: 75,
  held: 76,
  config: 78,
  interrupted: 130,
} as const;

export const EXIT_TEXT = [
  '0    all is well; with plan: nothing would change',
  '1    an error, or what was asked for is not so (health: not ready; plan: nothing can be observed; doctor: errors)',
  '2    plan: there are changes; doctor: there are warnings and no errors',
  '64   wrong use of the command line',
  '66   drain, undrain, hosts remove: there is no such container or host, or the name may mean several',
  '69   drain, undrain, hosts remove: no agent answers, or it ended while it was waited for',
  '75   drain, undrain: not every target has acknowledged in time, or sessions are still open',
  '76   drain: a proxy keeps the last server of a service in rotation',
  '78   the configuration has errors',
  '130  interrupted twice',
] as const;

/** Something that ends a command; the message is for people and says what to do. */
export class CliError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number = EXIT.error) {
    super(message);
    this.name = 'CliError';
    this.exitCode = exitCode;
  }
}

/** No agent answers, or it answers no more. */
export class AgentAway extends CliError {}

/** What only a running agent can do: that there is none has an exit code of its own. */
export async function byAgent<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof AgentAway ? new CliError(error.message, EXIT.away) : error;
  }
}

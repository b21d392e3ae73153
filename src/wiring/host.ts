import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../config/config.ts';
import type { Clock, HostAddresses, Log, Random } from '../core/ports.ts';
import { type AddressResult, type HostReaders, resolveAddresses } from '../source/host/addresses.ts';
import {
  advertiseProblem,
  detectEnvironment,
  type EngineWitness,
  type EnvironmentReaders,
  isInsideContainer,
} from '../source/host/environment.ts';
import { StartError } from './io.ts';
import { untilAnswered } from './patience.ts';

/** This host's name and addresses, kept current. */
export interface FollowedHost {
  readonly name: string;
  /** Both families undefined while no address can be told; nothing is guessed. */
  readonly current: HostAddresses;
  list(): readonly string[];
  onChange(changed: () => void): void;
  /** The rules may be others now. */
  settingsChanged(): void;
  stop(): void;
}

export interface FollowOptions {
  readonly config: Pick<Config, 'advertise' | 'resync'>;
  /** undefined: the machine's. */
  readonly name: string | undefined;
  readonly engine: EngineWitness;
  readonly readers: HostReaders & EnvironmentReaders;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export const UNKNOWN_ADDRESSES: HostAddresses = { ipv4: undefined, ipv6: undefined, origin: 'unknown' };

/** Finds this host's addresses and looks again at every resync. Refuses to take a container's address for the host's. */
export async function followHost(options: FollowOptions): Promise<FollowedHost> {
  const { config, readers, clock, log } = options;
  await refuseToGuess(options);
  let rules = config.advertise;
  const resolve = (): AddressResult => resolveAddresses(rules, readers);
  const first = resolve();
  if (!first.ok && first.problem.code === 'bad-advertise') throw new StartError(first.problem.message);
  let said = tell(first, undefined, log);
  let current = first.ok ? first.value : UNKNOWN_ADDRESSES;
  const listeners: (() => void)[] = [];
  const look = (): void => {
    const next = resolve();
    said = tell(next, said, log);
    // An interface that is down for a moment does not make the host's address unknown.
    const before = current;
    if (next.ok) current = next.value;
    if (current.ipv4 !== before.ipv4 || current.ipv6 !== before.ipv6)
      for (const changed of listeners) changed();
  };
  let cancel: () => void;
  const arm = (): void => {
    cancel = clock.timer(config.resync, () => {
      look();
      arm();
    });
  };
  arm();
  return {
    name: options.name ?? readers.hostname(),
    get current() {
      return current;
    },
    list: () => [current.ipv4, current.ipv6].filter((ip) => ip !== undefined),
    onChange: (changed) => listeners.push(changed),
    settingsChanged: () => {
      if (isDeepStrictEqual(config.advertise, rules)) return;
      const reason = changeProblem(config.advertise, readers);
      if (reason !== undefined) {
        log.warn({ reason }, 'advertise cannot be taken over; the earlier rules stay');
        return;
      }
      rules = config.advertise;
      look();
    },
    stop: () => {
      cancel();
    },
  };
}

/** Inside a container only the engine can tell whether a rule is safe, and that is asked at the start alone. */
function changeProblem(
  rules: FollowOptions['config']['advertise'],
  readers: FollowOptions['readers'],
): string | undefined {
  if (isInsideContainer(readers) && !isLiteral(rules))
    return 'inside a container anything but addresses needs a restart';
  const found = resolveAddresses(rules, readers);
  return found.ok || found.problem.code !== 'bad-advertise' ? undefined : found.problem.message;
}

const isLiteral = (rules: FollowOptions['config']['advertise']): boolean =>
  rules.length > 0 && rules.every(({ type }) => type === 'literal');

/** Says what is new about the addresses, once. */
function tell(result: AddressResult, said: string | undefined, log: Log): string {
  const text = result.ok ? JSON.stringify(result.value) : result.problem.message;
  if (text === said) return text;
  if (result.ok) log.info({ ...result.value }, 'addresses of this host');
  else
    log.warn(
      { reason: result.problem.message, code: result.problem.code },
      "this host's addresses are not known",
    );
  return text;
}

async function refuseToGuess({
  config,
  engine,
  readers,
  clock,
  random,
  log,
  signal,
}: FollowOptions): Promise<void> {
  if (!isInsideContainer(readers) || isLiteral(config.advertise)) return;
  // Only the engine can tell whose network this is, so it has to be there.
  const waiting = 'waiting for the engine, to learn whose network this container is in';
  const answered = await untilAnswered(
    (until) => engine.info(until),
    { clock, random, log, waiting },
    signal,
  );
  if (answered === undefined) return;
  const problem = advertiseProblem(await detectEnvironment(readers, engine, signal), config.advertise);
  if (problem !== undefined) throw new StartError(problem.message);
}

import type { FakeSpec } from '../kit/fake-container.ts';

/** Stands in every environment and in hostile labels; must never be seen outside a container. */
export const SECRET = 'hunter2-s3cr3t';

/** What strangers write. */
export const FOREIGN = 'a stranger wrote this';

/** What one container port is to be registered as. */
export interface Offer {
  readonly path: string;
  readonly port: number;
}

/** A container of the simulation: what it offers, and what happened to it as the engine knows it. */
export interface Subject {
  readonly id: string;
  readonly spec: FakeSpec;
  readonly offers: readonly Offer[];
  /** When anything about it changed last (ms). */
  changedAt: number;
  /** Since when it runs or is paused, without a break. */
  aliveSince: number | undefined;
  /** Since when it is ready to be used, without a break. */
  readySince: number | undefined;
  /** Told to stop, and still alive. */
  signalledAt: number | undefined;
  /** It was ready when it was told to stop. */
  readyAtSignal: boolean;
  /** Every registry must show the drain: nothing was wrong when the signal came, and nothing has been lost since. */
  drainCertain: boolean;
  /** An agent with another clock may have said until when it drains. */
  endUncertain: boolean;
  unhealthyAt: number | undefined;
  /** It asks to be probed. */
  readonly probed: boolean;
  /** Nothing listens on its port. */
  portClosed: boolean;
  /** It has been ready once, in whatever life. */
  everReady: boolean;
  /** When it became unhealthy, or its port closed, in this life. */
  downs: readonly number[];
  /** No event told of its last death or start: a signal may then be taken for one to the life before. */
  unheard: boolean;
}

/** The engine's default patience with a stop, and the grace after which a container was not told to stop after all. */
export const SURVIVES_MS = 10_000 + 5 * 60_000;

/** It was told to stop, and still has time to do so. */
export function drains({ signalledAt }: Subject, now: number): boolean {
  return signalledAt !== undefined && now - signalledAt < SURVIVES_MS;
}

const PROBE = {
  'portolan.probe': 'tcp',
  'portolan.probe.interval': '5s',
  'portolan.probe.start-period': '3s',
  'portolan.probe.fall': '2',
  'portolan.probe.rise': '1',
};

const KINDS: readonly ((path: string, n: number) => Omit<Subject, 'id'>)[] = [
  (path, n) => offering({ labels: { 'portolan.path': path }, ports: { '80/tcp': 20_000 + n } }, [path, 80]),
  (path) =>
    offering({ env: { ANNOUNCE_PATH: path, PORT: '80', TYPE: 'HTTP' }, ports: { '80/tcp': 0 } }, [path, 80]),
  (path, n) =>
    offering({ labels: { 'portolan.path': path }, ports: { '80/tcp': 20_000 + n }, health: true }, [
      path,
      80,
    ]),
  (path, n) =>
    offering(
      {
        labels: { 'portolan.80.path': path, 'portolan.81.path': `${path}/admin` },
        ports: { '80/tcp': 20_000 + n, '81/tcp': 0 },
      },
      [path, 80],
      [`${path}/admin`, 81],
    ),
  (path, n) =>
    offering({ labels: { 'portolan.path': path }, ports: { '80/tcp': 20_000 + n }, stubborn: true }, [
      path,
      80,
    ]),
  () =>
    offering({
      labels: {
        'portolan.path': `/../../portolan/${SECRET}\nserver evil`,
        'portolan.tags': SECRET,
        __proto__x: 'y',
      },
      ports: { '80/tcp': 0 },
    }),
  (path, n) => ({
    ...offering({ labels: { ...PROBE, 'portolan.path': path }, ports: { '80/tcp': 20_000 + n } }, [path, 80]),
    probed: true,
    portClosed: n % 2 === 0,
  }),
];

/** How soon the probe of a probed container tells what has changed, and some more. */
export const PROBED_MS = 13_000;

/** It goes up and down often enough that it may be kept out; the most that takes, and how late a fault may make it. */
export function mayBeOut({ downs }: Subject, now: number): boolean {
  return downs.length >= 3 && now - (downs.at(-1) ?? 0) < OUT_MS;
}

export const OUT_MS = 5 * 60_000 + 90_000;

/** `choice` picks the kind; `path` is its own alone. */
export function newSubject(choice: number, path: string, n: number): Omit<Subject, 'id'> {
  const kind = KINDS[choice % KINDS.length];
  if (kind === undefined) throw new Error(`no such kind of container: ${choice}`);
  return kind(path, n);
}

function offering(spec: FakeSpec, ...offers: readonly (readonly [string, number])[]): Omit<Subject, 'id'> {
  return {
    spec: { ...spec, env: { ...spec.env, PASSWORD: SECRET } },
    offers: offers.map(([path, port]) => ({ path, port })),
    changedAt: 0,
    aliveSince: undefined,
    readySince: undefined,
    signalledAt: undefined,
    readyAtSignal: false,
    drainCertain: false,
    endUncertain: false,
    unhealthyAt: undefined,
    unheard: false,
    probed: false,
    portClosed: false,
    everReady: false,
    downs: [],
  };
}

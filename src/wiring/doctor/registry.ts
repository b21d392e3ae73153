import { readFile } from 'node:fs/promises';
import type { Config, RegistryConfig } from '../../config/config.ts';
import { type Finding, finding, type RunningAgent } from '../../core/doctor.ts';
import type { Clock } from '../../core/ports.ts';
import { type Checkup, etcdCheckup } from '../../provider/etcd/checkup.ts';
import { openEtcd } from '../../provider/etcd/store.ts';
import { decodeHeartbeat } from '../../provider/kv/heartbeat.ts';
import { HOSTS_PREFIX, Names } from '../../provider/kv/names.ts';
import { type KvReader, MAX_TXN_OPERATIONS } from '../../provider/kv/store.ts';
import { credentialsOf } from '../credentials.ts';
import { readOnce } from '../followed-files.ts';
import { layoutsOf } from '../metadata.ts';
import { endpointsOf } from '../registries.ts';

const SLOW_MS = 500;
/** Four fifths of the quota that etcd has by default. */
const LARGE_BYTES = 1.6 * 1024 ** 3;

export interface RegistryPatient {
  readonly subject: string;
  readonly store: KvReader;
  readonly checkup: (signal: AbortSignal) => Promise<Checkup>;
  readonly prefixes: readonly string[];
  /** undefined: this host has none yet. */
  readonly owner: string | undefined;
  readonly agent: RunningAgent;
  readonly clock: Clock;
}

/** A configured registry; the embedded one cannot be away. */
export async function examineConfigured(
  registry: RegistryConfig,
  config: Config,
  known: Pick<RegistryPatient, 'owner' | 'agent' | 'clock'>,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  if (registry.kind === 'memory') return [];
  const subject = `registry ${registry.name}`;
  const read = await readOnce(credentialsOf(registry), (path) => readFile(path, 'utf8'));
  if ('problem' in read) return [finding('registry-credentials', subject, read.problem)];
  const prefixes = layoutsOf(config).map(({ prefix }) => prefix);
  const { value } = read.made;
  const options = {
    ...{ endpoints: endpointsOf(registry), clock: known.clock, prefixes, credentials: () => value },
  };
  const { reader: store } = openEtcd(options);
  const checkup = (within: AbortSignal): Promise<Checkup> => etcdCheckup(options, within);
  try {
    return await examineRegistry({ ...known, subject, store, checkup, prefixes }, signal);
  } finally {
    await store.close();
  }
}

/** Reach, login and role, time of an answer, alarms, limits, and who holds this owner id there. */
export async function examineRegistry(
  patient: RegistryPatient,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const { subject, store, clock } = patient;
  const startedAt = clock.monotonic();
  const hosts = await store.list(HOSTS_PREFIX, signal);
  const ms = Math.round(clock.monotonic() - startedAt);
  if (!hosts.ok) return [failed(subject, hosts.failure)];
  const told = await patient.checkup(signal);
  const version = told.version === undefined ? '' : `version ${told.version}, `;
  const size = told.bytes === undefined ? '' : `, ${(told.bytes / 1024 ** 2).toFixed(1)} MiB`;
  const hostCount = `${String(hosts.value.entries.length)} host(s)`;
  return [
    finding('registry-answers', subject, `${version}answers in ${String(ms)}ms, ${hostCount}${size}`),
    ...(ms > SLOW_MS ? [finding('registry-slow', subject, `took ${String(ms)}ms for one answer`)] : []),
    ...checkupFindings(subject, told),
    ...(await limitFindings(patient, signal)),
    ...(await roleFindings(patient, signal)),
    ...ownerFindings(patient, hosts.value.entries),
  ];
}

function failed(
  subject: string,
  { code, message }: { readonly code: string; readonly message: string },
): Finding {
  return finding(code === 'registry-denied' ? 'registry-denied' : 'registry-unreachable', subject, message);
}

function checkupFindings(subject: string, { alarms, bytes }: Checkup): readonly Finding[] {
  const codes = { Nospace: 'registry-full', Corrupt: 'registry-corrupt' } as const;
  const raised = [...new Set(alarms)].flatMap((alarm) =>
    alarm === 'Nospace' || alarm === 'Corrupt'
      ? [finding(codes[alarm], subject, `has raised the alarm ${alarm.toUpperCase()}`)]
      : [],
  );
  const large = bytes !== undefined && bytes > LARGE_BYTES && raised.length === 0;
  return large
    ? [finding('registry-large', subject, `its database has ${(bytes / 1024 ** 3).toFixed(1)} GiB`)]
    : raised;
}

/** As many reads in one transaction as the agent makes writes; of keys that nobody has. */
async function limitFindings(
  { subject, store, prefixes: [prefix = HOSTS_PREFIX] }: RegistryPatient,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const keys = Array.from({ length: MAX_TXN_OPERATIONS }, (_, n) => `${prefix}portolan-doctor/${String(n)}`);
  const answer = await store.get(keys, signal);
  if (answer.ok || answer.failure.code !== 'too-many-operations') return [];
  const what = `takes fewer than ${String(MAX_TXN_OPERATIONS)} operations in a transaction`;
  return [finding('registry-small-transactions', subject, what)];
}

async function roleFindings(
  { subject, store, prefixes, owner }: RegistryPatient,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const names = owner === undefined ? [] : [new Names(owner).card];
  const keys = [...names, ...prefixes.map((prefix) => `${prefix}portolan-doctor`)];
  const answers = await Promise.all(keys.map((key) => store.get([key], signal)));
  const told = new Map(
    answers.flatMap((answer) =>
      answer.ok ? [] : [[answer.failure.message, failed(subject, answer.failure)] as const],
    ),
  );
  return [...told.values()];
}

function ownerFindings(
  { subject, owner, agent }: RegistryPatient,
  entries: readonly Parameters<typeof decodeHeartbeat>[0][],
): readonly Finding[] {
  const beat = entries.find(({ key }) => owner !== undefined && key === new Names(owner).heartbeat);
  const host = beat && decodeHeartbeat(beat);
  if (host === undefined || host.handover) return [];
  const where = `${host.name} (${host.addresses.join(', ') || 'no address'})`;
  if (agent.type === 'running') {
    const { instance, engines = [] } = agent.status;
    const ours = new Set([instance, ...engines.map((engine) => engine.instance)]);
    if (ours.has(host.instance)) return [];
    return [
      finding('owner-taken', subject, `the owner id ${host.owner} is held by another agent on ${where}`),
    ];
  }
  if (agent.type !== 'away') return [];
  const what = `no agent answers here, but one on ${where} holds the owner id ${host.owner}`;
  return [finding('owner-elsewhere', subject, what)];
}

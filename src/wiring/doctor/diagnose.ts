import { readFileSync, statSync } from 'node:fs';
import type { Config } from '../../config/config.ts';
import { configOf } from '../../config/engine-configs.ts';
import { type DoctorView, doctorView, type Finding, finding, type RunningAgent } from '../../core/doctor.ts';
import type { Engine } from '../../source/docker/engine.ts';
import { probeSocket } from '../../source/docker/socket-probe.ts';
import { createDockerSource } from '../../source/docker/source.ts';
import { resolveAddresses } from '../../source/host/addresses.ts';
import { isInsideContainer } from '../../source/host/environment.ts';
import { machineReaders } from '../../source/host/readers.ts';
import { StateFolder } from '../../state/folder.ts';
import { describer } from '../compose.ts';
import { connectionOf, openEngine } from '../engine.ts';
import { UNKNOWN_ADDRESSES } from '../host.ts';
import { type AgentIo, StartError } from '../io.ts';
import { type Check, runChecks } from './checks.ts';
import { examineContainers } from './containers.ts';
import { examineEngine, type SocketFacts } from './engine.ts';
import { type Bind, examineAgent, examineFolder, examineLimits, examinePorts, tryPort } from './machine.ts';
import { examineProxy, proxyPatient } from './proxy.ts';
import { examineConfigured } from './registry.ts';

/** No check may take longer; all run at once. */
const LIMIT_MS = 12_000;

/** Looks at everything that the settings name, and writes nothing anywhere. */
export async function diagnose(config: Config, agent: RunningAgent, io: AgentIo): Promise<DoctorView> {
  const { clock, signal, version } = io;
  const checks = [
    ...enginesOf(config).flatMap((one) => engineChecks(one, io)),
    ...registryChecks(config, agent, io),
    ...machineChecks(config, agent),
    ...config.proxies.map((settings) => ({
      name: `proxy ${settings.name}`,
      run: (within: AbortSignal) =>
        examineProxy(proxyPatient(settings, agent.type === 'running', clock), within),
    })),
  ];
  return doctorView(version, await runChecks(checks, { clock, limitMs: LIMIT_MS, signal }));
}

interface OneEngine {
  readonly subject: string;
  readonly config: Config;
}

function enginesOf(config: Config): readonly OneEngine[] {
  if (config.engines.length === 0) return [{ subject: 'engine', config }];
  return config.engines.map((engine) => ({
    subject: `engine ${engine.name}`,
    config: configOf(config, engine),
  }));
}

function engineChecks({ subject, config }: OneEngine, io: AgentIo): readonly Check[] {
  const { clock, random, log } = io;
  const withEngine = async (
    use: (engine: Engine) => Promise<readonly Finding[]>,
  ): Promise<readonly Finding[]> => {
    try {
      const engine = await openEngine(config, io);
      try {
        return await use(engine);
      } finally {
        engine.close();
      }
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      return [finding('engine-setting', subject, error.message)];
    }
  };
  const sockets = socketsOf(config);
  const insideContainer = isInsideContainer(machineReaders);
  const addresses = resolveAddresses(config.advertise, machineReaders);
  const current = addresses.ok ? addresses.value : UNKNOWN_ADDRESSES;
  return [
    {
      name: subject,
      run: (signal) =>
        withEngine((engine) => examineEngine({ subject, engine, sockets, insideContainer, clock }, signal)),
    },
    {
      name: `containers of ${subject}`,
      run: (signal) =>
        // What is wrong with the setting is told once.
        sockets.some(({ why }) => why === undefined) || sockets.length === 0
          ? withEngine((engine) =>
              examineContainers(
                createDockerSource({ engine, clock, random, log }),
                describer(config, { current }, () => []),
                signal,
              ),
            ).then((found) => found.filter(({ code }) => code !== 'engine-setting'))
          : Promise.resolve([]),
    },
  ];
}

function socketsOf({ docker }: Config): readonly SocketFacts[] {
  const paths = docker.sockets.length > 0 ? docker.sockets : socketOf(docker);
  return paths.map((path) => ({ path, why: probeSocket(path), group: groupOf(path) }));
}

function socketOf(docker: Config['docker']): readonly string[] {
  const choice = connectionOf(docker);
  return choice.ok && 'socketPath' in choice.connection ? [choice.connection.socketPath] : [];
}

/** The group's name, where this machine knows it. */
function groupOf(path: string): string | undefined {
  try {
    const gid = String(statSync(path).gid);
    const line = readFileSync('/etc/group', 'utf8')
      .split('\n')
      .find((entry) => entry.split(':')[2] === gid);
    return line?.split(':')[0] ?? gid;
  } catch {
    return undefined;
  }
}

function registryChecks(config: Config, agent: RunningAgent, { clock }: AgentIo): readonly Check[] {
  // With several engines each has an owner of its own; the agent knows them.
  const known = config.engines.length > 0 ? undefined : ownerOf(config);
  return config.registries.map((registry) => ({
    name: `registry ${registry.name}`,
    run: async (signal) =>
      await examineConfigured(registry, config, { owner: await known, agent, clock }, signal),
  }));
}

async function ownerOf({ ownerId, stateDir }: Config): Promise<string | undefined> {
  return ownerId ?? (await new StateFolder(stateDir).ownerId().catch(() => undefined));
}

function machineChecks(config: Config, agent: RunningAgent): readonly Check[] {
  const name = `state folder ${config.stateDir}`;
  return [
    { name: 'agent', run: () => Promise.resolve(examineAgent(agent)) },
    { name, run: () => examineFolder(config.stateDir, process.getuid?.()) },
    { name: 'limits', run: () => Promise.resolve(examineLimits()) },
    // What a running agent listens on is taken by itself.
    {
      name: 'ports',
      run: () => (agent.type === 'away' ? examinePorts(bindsOf(config), tryPort) : Promise.resolve([])),
    },
  ];
}

function bindsOf({ http, proxies }: Config): readonly Bind[] {
  const listener = http.listen === undefined ? [] : [{ subject: 'http.listen', ...http.listen }];
  const managed = proxies.filter((proxy) => proxy.managed && probeSocket(proxy.socket) !== undefined);
  const binds = managed.flatMap(({ name, bind = [] }) =>
    bind.map((address) => {
      const [, host = '*', port = '0'] = /^(.*):(\d+)$/.exec(address) ?? [];
      const plain = host === '*' ? '0.0.0.0' : host.replace(/^\[|\]$/g, '');
      return { subject: `proxy ${name}`, host: plain, port: Number(port) };
    }),
  );
  return [...listener, ...binds];
}

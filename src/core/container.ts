/** Facts about one container, as its engine reported them; the only shape in which Docker reaches the core. */
export type Protocol = 'tcp' | 'udp' | 'sctp';

/** `sleeping` states (created, exited, dead, removing) offer nothing. */
export type PowerState = 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';

/** `none`: the image and the run command define no HEALTHCHECK. */
export type Health = 'none' | 'starting' | 'healthy' | 'unhealthy';

/** A host address and port that forward to a container port. `hostIp` `0.0.0.0` or `::` means every address. */
export interface Binding {
  readonly hostIp: string;
  readonly hostPort: number;
}

/** A container port: exposed by the image or the run command, published when it has bindings. */
export interface ContainerPort {
  readonly port: number;
  readonly protocol: Protocol;
  readonly bindings: readonly Binding[];
}

export interface ContainerNetwork {
  readonly name: string;
  /** `bridge`, `macvlan`, `ipvlan`, `overlay`, `host`, ...; undefined when the engine did not tell. */
  readonly driver: string | undefined;
  readonly ipv4: string | undefined;
  readonly ipv6: string | undefined;
}

export interface Container {
  /** 64 hexadecimal digits. */
  readonly id: string;
  /** Without the leading slash. */
  readonly name: string;
  readonly hostname: string;
  readonly image: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly env: ReadonlyMap<string, string>;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** The engine's own text of the start time (compared, never parsed); undefined until it has been read. */
  readonly startedAt: string | undefined;
  readonly state: PowerState;
  readonly health: Health;
  /** `default`, `bridge`, `host`, `none`, `container:<id>` or the name of a network. */
  readonly networkMode: string;
  readonly networks: readonly ContainerNetwork[];
  readonly ports: readonly ContainerPort[];
  /** Name of the signal that asks it to stop, such as `SIGTERM`. */
  readonly stopSignal: string;
  /** Milliseconds that the engine waits between the stop signal and SIGKILL. */
  readonly stopTimeoutMs: number;
  /** True while only the facts of `create` are known: environment, labels and fixed ports, but no addresses. */
  readonly provisional: boolean;
  /** True while the engine still has to choose a host port: `ports` lacks it, so names that depend on all ports must wait. */
  readonly portsIncomplete?: boolean;
}

export function shortId(id: string): string {
  return id.slice(0, 12);
}

export function isRunning(container: Container): boolean {
  return container.state === 'running' || container.state === 'paused';
}

/** Ready means: running and, where a HEALTHCHECK exists, healthy. */
export function isReady(container: Container): boolean {
  return container.state === 'running' && (container.health === 'none' || container.health === 'healthy');
}

import type { HistoryRow, HistoryView } from '../../src/core/history.ts';
import {
  type Carried,
  type DrainAnswer,
  type Drainable,
  type Orders,
  type Removable,
  type RemovalAnswer,
  refuse,
} from '../../src/core/orders.ts';
import type { ProxyView, RouteView } from '../../src/core/proxy-view.ts';
import type {
  ContainerView,
  ExplainView,
  HostView,
  OrderView,
  OrphanView,
  PlanView,
  RecordView,
  ServiceView,
  StatusSource,
  StatusView,
} from '../../src/core/status.ts';

export const SERVICE: ServiceView = {
  path: '/shop/web',
  type: 'HTTP',
  address: '10.0.0.5:32768',
  container: 'shop-web-1',
  containerId: '0ce60d000eac'.padEnd(64, '0'),
  containerPort: '8080/tcp',
  dialect: 'portolan',
  state: 'registered',
  cause: undefined,
  since: 1_000_000,
  why: undefined,
  outUntil: undefined,
  tags: ['blue'],
  weight: undefined,
};

export const CONTAINER: ContainerView = {
  name: 'shop-web-1',
  id: SERVICE.containerId,
  image: 'shop/web:1',
  state: 'running',
  health: 'healthy',
  services: 1,
  published: true,
  why: undefined,
};

export const RECORD: RecordView = {
  target: 'memory://',
  key: '/services/shop/web/0ce60d000eac',
  value: '{"ID":"0ce60d000eac"}',
  owned: true,
  state: 'synced',
  endpoint: 'endpoint',
  revision: '12',
  lastOutcome: 'created',
  lastOutcomeAt: 1_000_000,
  nextTryAt: undefined,
  why: undefined,
};

export const HOST: HostView = {
  target: 'memory://',
  self: true,
  owner: 'host-a',
  instance: 'instance',
  name: 'host-a.example',
  addresses: ['10.0.0.5'],
  version: '0.1.0',
  since: 1_000_000,
  lease: '7',
  handover: false,
  drainedSince: undefined,
  state: 'alive',
  lostSince: undefined,
};

export const ORPHAN: OrphanView = {
  target: 'memory://',
  owner: 'host-b',
  key: '/services/shop/web/1ce60d000eac',
  state: 'lost',
  lostSince: 1_000_000,
  action: 'delete',
  why: 'the lost host created it',
  nextTryAt: 1_090_000,
  waiting: 'its heartbeat may come back within deadHostGrace',
};

export const PROXY: ProxyView = {
  name: 'edge',
  registry: 'memory://',
  paths: ['/services/'],
  state: 'converged',
  why: undefined,
  since: 1_000_000,
  process: '7 1000000',
  version: '3.0.11',
  services: 1,
  servers: 1,
  reloads: 0,
  commands: 12,
  lastReload: undefined,
  lastReloadAt: undefined,
};

export const HISTORY: HistoryRow = {
  path: '/shop/web',
  address: '10.0.0.5:32768',
  container: 'shop-web-1',
  containerId: SERVICE.containerId,
  at: 1_000_000,
  state: 'registered',
  cause: undefined,
  reason: 'started',
  targets: [
    {
      target: 'memory://',
      state: 'acknowledged',
      written: ['/services/shop/web/0ce60d000eac'],
      withdrawn: [],
      at: 1_000_004,
      revision: '12',
      outcome: undefined,
      why: undefined,
      tries: 0,
      nextTryAt: undefined,
    },
  ],
};

export const ROUTE: RouteView = {
  proxy: 'edge',
  path: '/shop/web',
  hosts: ['shop.example'],
  backend: 'pool-000',
  server: '0ce60d000eac',
  address: '10.0.0.5:32768',
  weight: 100,
  state: 'up',
  why: 'registered',
  sessions: 2,
  since: 1_000_000,
  notes: [],
};

export const UNSEEN: ExplainView = {
  reference: 'nothing',
  seen: false,
  container: undefined,
  published: false,
  summary: 'nothing: the engine has no such container',
  dialects: [],
  reasons: [],
  endpoints: [],
  history: [],
  orders: [],
  proxies: [],
};

const STATUS: StatusView = {
  version: '0.1.0',
  owner: 'host-a',
  instance: 'instance',
  startedAt: 0,
  now: 1_060_000,
  ready: true,
  waitingFor: [],
  sources: [],
  targets: [],
  proxies: [],
  containers: 1,
  services: 1,
};

/** An agent's status that a test can change; every change has to be told by `changed()`. */
export class FakeStatus implements StatusSource {
  view: StatusView = STATUS;
  serviceViews: readonly ServiceView[] = [SERVICE];
  orderViews: readonly OrderView[] = [];
  planView: PlanView = { targets: [], proxies: [] };
  explainView: ExplainView = UNSEEN;
  recordViews: () => Promise<readonly RecordView[]> = () => Promise.resolve([RECORD]);
  readonly asked: string[] = [];
  readonly #listeners = new Set<() => void>();

  get listeners(): number {
    return this.#listeners.size;
  }

  changed(): void {
    for (const listener of this.#listeners) listener();
  }

  status(): StatusView {
    return this.view;
  }

  services(): readonly ServiceView[] {
    return this.serviceViews;
  }

  containers(): readonly ContainerView[] {
    return [CONTAINER];
  }

  hosts(): Promise<readonly HostView[]> {
    return Promise.resolve([HOST]);
  }

  orphans(): Promise<readonly OrphanView[]> {
    return Promise.resolve([ORPHAN]);
  }

  records(): Promise<readonly RecordView[]> {
    return this.recordViews();
  }

  orders(): readonly OrderView[] {
    return this.orderViews;
  }

  proxies(): readonly ProxyView[] {
    return [PROXY];
  }

  routes(): Promise<readonly RouteView[]> {
    return Promise.resolve([ROUTE]);
  }

  plan(): Promise<PlanView> {
    return Promise.resolve(this.planView);
  }

  history(): readonly HistoryRow[] {
    return [HISTORY];
  }

  historyOf(reference: string): readonly HistoryView[] {
    this.asked.push(reference);
    const { at, state, cause, reason, targets, ...of } = HISTORY;
    return [{ ...of, goneSince: undefined, transitions: [{ at, state, cause, reason, targets }] }];
  }

  explain(reference: string): Promise<ExplainView> {
    this.asked.push(reference);
    return Promise.resolve(this.explainView);
  }

  onChange(changed: () => void): () => void {
    this.#listeners.add(changed);
    return () => {
      this.#listeners.delete(changed);
    };
  }
}

/** Carries out every order about what is called as `CONTAINER`, and remembers all of them. */
export class FakeOrders implements Orders {
  readonly given: (readonly [what: 'drain' | 'undrain', whom: Drainable])[] = [];
  answer: DrainAnswer = {
    subject: CONTAINER.id,
    container: CONTAINER.name,
    at: 7,
    repeated: false,
    notes: [],
  };

  drain(whom: Drainable): Promise<Carried<DrainAnswer>> {
    return this.#take('drain', whom);
  }

  undrain(whom: Drainable): Promise<Carried<DrainAnswer>> {
    return this.#take('undrain', whom);
  }

  removeHost({ owner, force }: Removable): Promise<Carried<RemovalAnswer>> {
    if (owner === 'alive') return Promise.resolve(refuse('refused', 'alive stays: its agent runs.'));
    if (owner !== 'gone') return Promise.resolve(refuse('not-found', `No registry knows a host ${owner}.`));
    const targets = [
      { target: 'etcd://a', records: force ? 3 : 1 },
      { target: 'etcd://b', records: 0 },
    ];
    return Promise.resolve({ ok: true, value: { owner, targets } });
  }

  #take(what: 'drain' | 'undrain', whom: Drainable): Promise<Carried<DrainAnswer>> {
    this.given.push([what, whom]);
    if ('container' in whom && whom.container !== CONTAINER.name)
      return Promise.resolve(refuse('not-found', `The engine has no container ${whom.container}.`));
    return Promise.resolve({ ok: true, value: this.answer });
  }
}

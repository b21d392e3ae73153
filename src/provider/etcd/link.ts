import { rootCertificates } from 'node:tls';
import { noop } from 'cockatiel';
import { Etcd3, type IOptions } from 'etcd3';
import type { Clock } from '../../core/ports.ts';

/** What an endpoint is shown. */
export interface EtcdCredentials {
  /** PEM. Without `ca`, the authorities that Node trusts. */
  readonly tls?: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer } | undefined;
  readonly auth?: { readonly user: string; readonly password: string } | undefined;
}

export interface LinkOptions {
  readonly host: string;
  readonly credentials: EtcdCredentials;
  readonly clock: Clock;
  readonly timeoutMs: number;
}

const GRPC_OPTIONS = {
  // 10,000 records are more than the 4 MiB that grpc-js takes by default.
  'grpc.max_receive_message_length': 64 * 1_024 * 1_024,
  // A connection that is dead without a word is found by the ping; etcd tolerates one each 5 s.
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 3_000,
  // The work queue is the only backoff: when it tries, the connection must be tried as well.
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 500,
  // Statistics for a service that nobody serves here.
  'grpc.enable_channelz': 0,
};

/** A client of one endpoint, with the credentials that it was made with: the library can change neither later. */
export class Link {
  readonly credentials: EtcdCredentials;
  readonly #client: Etcd3;
  #users = 0;
  #retired = false;

  constructor(options: LinkOptions) {
    this.credentials = options.credentials;
    this.#client = new Etcd3(clientOptions(options));
  }

  async use<T>(run: (client: Etcd3) => Promise<T>): Promise<T> {
    this.#users += 1;
    try {
      return await run(this.#client);
    } finally {
      this.#users -= 1;
      this.#closeIfIdle();
    }
  }

  /** Ends once the calls under way have their answers: a write that was sent must not become one of unknown outcome. */
  retire(): void {
    this.#retired = true;
    this.#closeIfIdle();
  }

  close(): void {
    this.#client.close();
  }

  #closeIfIdle(): void {
    if (this.#retired && this.#users === 0) this.#client.close();
  }
}

function clientOptions({ host, credentials: { tls, auth }, clock, timeoutMs }: LinkOptions): IOptions {
  const rootCertificate = tls?.ca ?? Buffer.from(rootCertificates.join('\n'));
  return {
    hosts: host,
    ...(tls === undefined || !host.startsWith('https:')
      ? {}
      : {
          credentials: {
            rootCertificate,
            ...(tls.key === undefined ? {} : { privateKey: tls.key }),
            ...(tls.cert === undefined ? {} : { certChain: tls.cert }),
          },
        }),
    ...(auth === undefined ? {} : { auth: { username: auth.user, password: auth.password } }),
    grpcOptions: GRPC_OPTIONS,
    // The library has no deadline of its own, and waits for ever for a server that accepts and does not answer.
    defaultCallOptions: ({ isStream }) => (isStream ? {} : { deadline: clock.now() + timeoutMs }),
    faultHandling: { host: () => noop, global: noop },
  };
}

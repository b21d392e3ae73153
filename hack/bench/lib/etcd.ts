import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Etcd3 } from 'etcd3';
import { eventually } from '../../../test/kit/eventually.ts';
import { freePort } from '../../../test/kit/ports.ts';
import type { Bench } from './bench.ts';
import { Child } from './child.ts';
import type { Cleanup } from './cleanup.ts';

const execute = promisify(execFile);

/** An empty etcd of this benchmark's own, without fsync: a disk is not what is measured. */
export class BenchEtcd {
  readonly address: string;
  readonly client: Etcd3;
  readonly #stop: () => Promise<void>;

  private constructor(address: string, stop: () => Promise<void>) {
    this.address = address;
    this.client = new Etcd3({ hosts: address, grpcOptions: { 'grpc.max_receive_message_length': 64 << 20 } });
    this.#stop = stop;
  }

  static async start(bench: Bench, cleanup: Cleanup): Promise<BenchEtcd> {
    const [port, peer] = [await freePort(), await freePort()];
    const [address, peers] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${peer}`];
    const args = (data: string): string[] => [
      ...['--data-dir', data, '--unsafe-no-fsync', '--log-outputs', 'stderr'],
      ...['--listen-client-urls', address, '--advertise-client-urls', address],
      ...['--listen-peer-urls', peers, '--initial-advertise-peer-urls', peers],
      ...['--initial-cluster', `default=${peers}`],
    ];
    const stop = (await hasProgram())
      ? startProgram(bench, args(`${bench.folder}/etcd-${port}`))
      : await startContainer(args('/data'));
    const etcd = new BenchEtcd(address, stop);
    cleanup.defer(() => etcd.stop());
    await eventually(() => etcd.client.get('/'), { deadlineMs: 30_000, what: 'etcd' });
    return etcd;
  }

  /** Moves with every write and with nothing else. */
  async revision(): Promise<number> {
    return Number((await this.client.getAll().prefix('/none/').limit(1).exec()).header.revision);
  }

  async count(prefix: string): Promise<number> {
    return await this.client.getAll().prefix(prefix).count();
  }

  /** A counter of its metrics, summed over the labels that match. */
  async metric(name: string, labels = ''): Promise<number> {
    const text = await (await fetch(`${this.address}/metrics`)).text();
    return text
      .split('\n')
      .filter((line) => (line.startsWith(`${name} `) || line.startsWith(`${name}{`)) && line.includes(labels))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }

  async stop(): Promise<void> {
    this.client.close();
    await this.#stop();
  }
}

async function hasProgram(): Promise<boolean> {
  return await execute('etcd', ['--version']).then(
    () => true,
    () => false,
  );
}

function startProgram(bench: Bench, args: readonly string[]): () => Promise<void> {
  const child = new Child({ command: 'etcd', args, folder: bench.folder, name: 'etcd' });
  return () => child.stop();
}

async function startContainer(args: readonly string[]): Promise<() => Promise<void>> {
  const run = ['run', '-d', '--network', 'host', 'portolan-test/etcd:3.5', ...args];
  const id = (await execute('docker', run)).stdout.trim();
  return async () => {
    await execute('docker', ['rm', '-fv', id]);
  };
}

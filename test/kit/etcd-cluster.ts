import { runId, TestDocker } from './docker.ts';
import { EtcdServer } from './etcd.ts';
import type { EtcdVersion } from './etcd-options.ts';

interface MemberStatus {
  readonly Status: { readonly header: { readonly member_id: number }; readonly leader: number };
}

let clusters = 0;

/** A cluster of three etcd servers on a network of its own. */
export class EtcdCluster {
  readonly members: readonly EtcdServer[];
  readonly #docker: TestDocker;

  private constructor(members: readonly EtcdServer[], docker: TestDocker) {
    this.members = members;
    this.#docker = docker;
  }

  static async start(version: EtcdVersion = '3.5'): Promise<EtcdCluster> {
    const docker = new TestDocker();
    clusters += 1;
    const network = `portolan-test-${runId}-${clusters}`;
    await docker.network(network);
    const names = ['etcd0', 'etcd1', 'etcd2'];
    const cluster = names.map((name) => `${name}=http://${name}:2380`).join(',');
    // All at once: none of them serves before a majority is there.
    const starts = names.map((name) => EtcdServer.start({ version }, { name, network, cluster }));
    const results = await Promise.allSettled(starts);
    const members = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const started = new EtcdCluster(members, docker);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed === undefined) return started;
    await started.remove();
    throw failed.reason;
  }

  get endpoints(): readonly string[] {
    return this.members.map((member) => member.endpoint);
  }

  /** The member that leads now; asks one of those given, for a dead one cannot answer. */
  async leader(ask: readonly EtcdServer[] = this.members): Promise<EtcdServer> {
    for (const member of ask) {
      const [status] = JSON.parse(await member.etcdctl('endpoint', 'status', '-w', 'json')) as [MemberStatus];
      if (status.Status.leader === status.Status.header.member_id) return member;
    }
    throw new Error('none of the members asked leads');
  }

  async remove(): Promise<void> {
    await Promise.all(this.members.map((member) => member.remove()));
    await this.#docker.clean();
  }
}

import { readFile, writeFile } from 'node:fs/promises';
import type { Proxy } from '../../src/core/proxy.ts';
import { OwnFolder } from '../../src/proxy/files.ts';
import { HaproxyLab, type HaproxyVersion } from '../kit/haproxy.ts';

/** A real proxy of some kind, with what the contract does to it. */
export interface ProxyLab {
  readonly proxy: Proxy;
  /** Where it answers on 127.0.0.1. */
  readonly port: number;
  start(): Promise<void>;
  restart(): Promise<void>;
  /** As somebody else would: the process that runs ends with its last request. */
  reload(): void;
  /** Another process of ours takes over. */
  renew(): void;
  dry(): Proxy;
  files(): Promise<ReadonlyMap<string, string>>;
  /** Each spoils one thing that the two services `/a/web` and `/b/web` (`b.example`) need. */
  readonly spoilers: readonly (() => Promise<void>)[];
  close(): Promise<void>;
}

export async function haproxyLab(version: HaproxyVersion): Promise<ProxyLab> {
  const lab = await HaproxyLab.create(version);
  const tell = async (command: string): Promise<void> => {
    await lab.ask(command);
  };
  const file = (name: string): string => `${lab.folder}/${name}`;
  const folder = new OwnFolder(lab.folder);
  let proxy = lab.adapter() as Proxy;
  return {
    get proxy() {
      return proxy;
    },
    port: lab.port,
    start: () => lab.start(),
    restart: async () => {
      await lab.kill();
      await lab.start();
    },
    reload: () => {
      lab.reloadByHand();
    },
    renew: () => {
      proxy = lab.adapter();
    },
    dry: () => lab.adapter({ writing: false }),
    files: () => folder.read(['conf', 'maps']),
    spoilers: [
      () => tell('set server pool-000/one state maint'),
      () => tell('set server pool-000/one weight 1'),
      () => tell('set server pool-000/one addr 127.0.0.1 port 1'),
      () => tell('set server pool-000/one state maint;del server pool-000/one'),
      () => tell('add server pool-000/evil 127.0.0.1:1;enable server pool-000/evil'),
      () => tell('add server pool-007/evil 127.0.0.1:1;enable server pool-007/evil'),
      () => tell(`set map ${file('maps/hosts.map')} b.example pool-009`),
      () => tell(`del map ${file('maps/hosts.map')} b.example`),
      () => tell(`add map ${file('maps/hosts.map')} b.example pool-009`),
      () => tell(`add map ${file('maps/wildcards.map')} .example pool-009`),
      () => tell(`clear map ${file('maps/hosts.map')}`),
      async () => {
        const text = await readFile(file('conf/20-pool-000.cfg'), 'utf8');
        await writeFile(file('conf/20-pool-000.cfg'), text.replace('weight 100', 'weight 1'));
      },
      async () => {
        await writeFile(file('conf/99-other.cfg'), 'listen other\n  bind 127.0.0.1:1\n');
      },
    ],
    close: () => lab.close(),
  };
}

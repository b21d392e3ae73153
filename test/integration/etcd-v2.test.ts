import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EtcdServer } from '../kit/etcd.ts';
import { repository } from '../kit/paths.ts';

const script = readFileSync(join(repository, 'hack/migration/etcd-v2.sh'), 'utf8');

describe('hack/migration/etcd-v2.sh', () => {
  let etcd: EtcdServer;
  beforeAll(async () => {
    etcd = await EtcdServer.start({ version: '3.4', args: ['--enable-v2'] });
  });
  afterAll(async () => {
    await etcd.remove();
  });

  it('tells what stands only in v2, until everybody is switched over', async () => {
    expect(await etcd.script(script, '')).toBe('');
    await etcd.v2('set', '/announce/internal/app1/dev/web/c1', '{}');
    await etcd.v2('set', '/announce/internal/app1/dev/db/c2', '{}');
    await etcd.etcdctl('put', '/announce/internal/app1/dev/web/c1', '{}');
    await etcd.etcdctl('put', '/services/internal/app1/dev/web/c1', '{}');
    await etcd.etcdctl('put', '/services-of-others/c1', '{}');
    await expect(etcd.script(script, '')).rejects.toThrow(
      'v2 only  /announce/internal/app1/dev/db/c2\nboth     /announce/internal/app1/dev/web/c1\n' +
        'v3 only  /services/internal/app1/dev/web/c1\n1 key(s) stand only in v2',
    );
    await etcd.v2('rm', '/announce/internal/app1/dev/db/c2');
    expect(await etcd.script(script, '', '/announce', '/services/')).toBe(
      'both     /announce/internal/app1/dev/web/c1\nv3 only  /services/internal/app1/dev/web/c1',
    );
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestCli } from '../../../test/kit/cli.ts';

let lab: TestCli;

beforeEach(async () => {
  lab = new TestCli();
  await lab.startAgent();
});
afterEach(async () => {
  await lab.remove();
});

const cli = async (line: string) => await lab.run(line);

describe('hosts remove', () => {
  it('says what was removed from which registry', async () => {
    const out =
      'gone is removed from etcd://a, with 1 record.\ngone is removed from etcd://b, with 0 records.\n';
    expect(await cli('hosts remove gone')).toEqual({ code: 0, out, err: '' });
    const forced = await cli('hosts remove gone --force -o json');
    expect(JSON.parse(forced.out)).toMatchObject({
      owner: 'gone',
      targets: [{ records: 3 }, { records: 0 }],
    });
  });

  it('ends with 69 where no agent answers', async () => {
    await lab.stopAgent();
    expect((await cli('hosts remove gone')).code).toBe(69);
  });

  it('ends with 66 for a host that nobody knows', async () => {
    expect(await cli('hosts remove nobody')).toMatchObject({
      code: 66,
      err: 'portolan: No registry knows a host nobody.\n',
    });
  });

  it('reports a refusal, and what cannot be an owner id', async () => {
    expect(await cli('hosts remove alive')).toEqual({
      code: 1,
      out: '',
      err: 'portolan: alive stays: its agent runs.\n',
    });
    expect(await cli('hosts remove ../hosts')).toMatchObject({
      code: 1,
      err: expect.stringContaining('is no owner id') as string,
    });
  });
});

import { afterEach, describe, expect, it } from 'vitest';
import { errors, good } from '../../test/kit/config.ts';
import { silentLog } from '../../test/kit/haproxy.ts';
import { recordWrite } from '../../test/kit/loop-script.ts';
import { MeteredAgent } from '../../test/kit/metered-agent.ts';
import { failure } from '../core/failure.ts';
import type { StatsdSink } from '../telemetry/statsd.ts';
import { beat, openStatsd } from './statsd.ts';
import { openTelemetry } from './telemetry.ts';

const web = { name: 'web', ports: { '80/tcp': 8080 } };

let agent: MeteredAgent;
let lines: string[];
async function begin(): Promise<() => string[]> {
  lines = [];
  const sink: StatsdSink = {
    timing: (name, ms, times = 1) => lines.push(`${name} ${String(ms)} x${String(times)}`),
    gauge: (name, value) => lines.push(`${name} ${String(value)}`),
    count: (name) => lines.push(name),
  };
  agent = new MeteredAgent(openTelemetry(sink));
  const stop = beat(sink, () => agent.composed.status.status(), agent.clock);
  await agent.begin();
  afterEach(stop);
  return () => lines.splice(0);
}
afterEach(async () => {
  await agent.end();
});

describe('what statsd is told under the names of service-registrar', () => {
  it('is each run, each document that was written, and each removal', async () => {
    const said = await begin();
    expect(said()).toContain('hosts.set.ms 0 x1');
    const id = agent.engine.run(web);
    await agent.clock.advance(1_000);
    expect(said()).toEqual(['processing.ms 0 x1', 'backend.ms 0 x1', 'services.set.ms 0 x2']);
    agent.engine.die(id);
    await agent.clock.advance(1_000);
    expect(said()).toEqual(['processing.ms 0 x1', 'backend.ms 0 x1', 'services.pruning.ms 0 x1']);
  });

  it('is that the agent is alive, as long as all is well', async () => {
    const said = await begin();
    said();
    await agent.clock.advance(20_000);
    expect(said()).toEqual(['alive 1', 'alive 1']);
    agent.store.failing = () => failure('registry-unreachable');
    await agent.clock.advance(120_000);
    expect(said().at(-1)).not.toBe('alive 1');
  });

  it('is each failed run', async () => {
    const said = await begin();
    agent.store.failing = (call, transaction) =>
      recordWrite(call, transaction?.then.map((operation) => operation.key) ?? [])
        ? failure('registry-unreachable')
        : undefined;
    agent.engine.run(web);
    said();
    await agent.clock.advance(5_000);
    const failures = said().filter((line) => line === 'backend.failures');
    expect(failures.length).toBeGreaterThan(1);
  });
});

describe('the settings of statsd', () => {
  it('are off without a host', () => {
    const { config } = good({});
    expect(config.statsd).toEqual({ port: 8125, prefix: 'registrar-service' });
    const clock = { now: () => 0, monotonic: () => 0, timer: () => () => undefined };
    expect(openStatsd(config, { clock, log: silentLog })).toBeUndefined();
  });

  it.each(['statsd', 'stats.example', '10.0.0.9', '::1', 'fd00::9'])('take %s for a server', (host) => {
    expect(good({ yaml: `statsd: { host: "${host}" }` }).config.statsd.host).toBe(host);
  });

  it.each([
    ['host: "a\\nb"', /statsd\.host: .* is not allowed/],
    ['host: "a:8125"', /statsd\.host: .* is not allowed/],
    ['prefix: "a:1|c"', /statsd\.prefix: .* is not allowed/],
    ['port: 0', /statsd\.port/],
  ])('refuse %s', (text, expected) => {
    expect(errors({ yaml: `statsd: { ${text} }` }).join('\n')).toMatch(expected);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseExposition, valueOf } from '../../test/kit/exposition.ts';
import { Exposition } from './exposition.ts';
import { Histogram } from './histogram.ts';
import { METRICS } from './metric-list.ts';

describe('a page for Prometheus', () => {
  it('has each family once, with its help, its type and its series', () => {
    const page = new Exposition();
    page.add('portolan_registry_up', { target: 'a' }, true);
    page.add('portolan_ready', {}, false);
    page.add('portolan_registry_up', { target: 'b' }, false);
    page.add('portolan_records_owned', { target: 'a' }, undefined);
    expect(page.toString().split('\n')).toEqual([
      '# HELP portolan_ready 1 when /readyz says so.',
      '# TYPE portolan_ready gauge',
      'portolan_ready 0',
      expect.stringMatching(/^# HELP portolan_registry_up /),
      '# TYPE portolan_registry_up gauge',
      'portolan_registry_up{target="a"} 1',
      'portolan_registry_up{target="b"} 0',
      '',
    ]);
  });

  it('counts a value in every bucket that is not smaller', () => {
    const histogram = new Histogram([0.001, 1]);
    for (const value of [0.001, 0.5, 7]) histogram.observe(value);
    const page = new Exposition();
    page.histogram('nodejs_gc_duration_seconds', { kind: 'minor' }, histogram);
    const lines = page.toString().split('\n').slice(2, -1);
    expect(lines).toEqual([
      'nodejs_gc_duration_seconds_bucket{kind="minor",le="0.001"} 1',
      'nodejs_gc_duration_seconds_bucket{kind="minor",le="1"} 2',
      'nodejs_gc_duration_seconds_bucket{kind="minor",le="+Inf"} 3',
      'nodejs_gc_duration_seconds_sum{kind="minor"} 7.501',
      'nodejs_gc_duration_seconds_count{kind="minor"} 3',
    ]);
  });

  it('says which engine of several it is, where that makes a difference', () => {
    const page = new Exposition();
    page.of('east').add('portolan_containers', {}, 1);
    page.of('west').add('portolan_containers', {}, 2);
    page.of('west').add('portolan_ready', {}, true);
    const read = parseExposition(page.toString());
    expect(valueOf(read, 'portolan_containers', { engine: 'west' })).toBe(2);
    expect(read.get('portolan_ready')?.samples).toEqual([{ name: 'portolan_ready', labels: {}, value: 1 }]);
  });

  it('never lets the value of a label end the label, the line or the series of another', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .array(fc.constantFrom('"', '\\', '\n', '} 1', ',', 'n', 'x="'), { maxLength: 12 })
        .map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(hostile, hostile, hostile, (engine, target, state) => {
        const page = new Exposition().of(engine);
        page.add('portolan_records', { target, state }, 7);
        page.add('portolan_conflicts', { target }, 1);
        const read = parseExposition(page.toString());
        expect(read.get('portolan_records')?.samples).toEqual([
          { name: 'portolan_records', labels: { engine, target, state }, value: 7 },
        ]);
        expect(read.get('portolan_conflicts')?.samples).toHaveLength(1);
      }),
    );
  });
});

describe('the list of metrics', () => {
  it('keeps to the names of Prometheus: units, and _total for what counts', () => {
    for (const [name, { type, help, labels }] of Object.entries(METRICS)) {
      expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
      expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter']);
      if (type === 'histogram') expect(name).toMatch(/_seconds$/);
      expect(help).toMatch(/^[^\n\\]+\.$/);
      for (const label of labels) expect(label).toMatch(/^[a-z]+$/);
    }
  });

  it('has no label whose values containers could choose', () => {
    const labels = new Set(Object.values(METRICS).flatMap((metric) => [...metric.labels]));
    expect([...labels].sort()).toEqual([
      'controller',
      'kind',
      'name',
      'node',
      'proxy',
      'result',
      'source',
      'state',
      'target',
      'version',
    ]);
  });
});

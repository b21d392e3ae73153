import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type Family, parseExposition } from '../../test/kit/exposition.ts';
import { MeteredAgent } from '../../test/kit/metered-agent.ts';
import { repository } from '../../test/kit/paths.ts';
import { labelsIn, namedIn, problemsOf } from '../../test/kit/promql.ts';
import { PROXY } from '../../test/kit/status-fake.ts';
import { Refusals } from '../controller/refusals.ts';
import { RouteTable } from '../core/route-table.ts';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: { readonly severity: string };
  readonly annotations: Readonly<Record<string, string>>;
}

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

const file = (name: string): string => readFileSync(`${repository}manifests/${name}`, 'utf8');
const { groups } = parse(file('prometheus-rules.yaml')) as {
  readonly groups: readonly { readonly rules: readonly Rule[] }[];
};
const rules = groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(file('grafana-dashboard.json')) as {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly query: string }[] };
};
const targets = dashboard.panels.flatMap((panel) => panel.targets ?? []);

let shown: ReadonlyMap<string, Family>;
let agent: MeteredAgent;
beforeAll(async () => {
  agent = new MeteredAgent();
  await agent.begin();
  const status = { ...agent.composed.status.status(), proxies: [PROXY] };
  const proxy = {
    ...{ name: 'edge', running: { process: '1', version: '3' }, nameOf: (id: string) => id },
    counters: { reloads: 0, commands: 0, lastReload: undefined, lastReloadAt: undefined },
    servers: () => Promise.resolve({ ok: true as const, value: [] }),
  };
  const load = { depth: 0, active: 0, unfinishedMs: 0, longestMs: 0 };
  const standing = { state: 'converged', since: 0 } as const;
  const loop = {
    ...{ table: new RouteTable(0), failure: undefined, refusals: new Refusals(), listed: true, standing },
    load: () => load,
  };
  const routes = [{ proxy, loop, registry: { name: 'main' }, paths: [] }];
  const loops = [{ loop: agent.composed.loop }];
  shown = parseExposition(agent.telemetry.scrape({ status, loops, routes }));
});
afterAll(async () => {
  await agent.end();
});

const problems = (query: string): readonly string[] => problemsOf(query, shown);

describe('the check of queries', () => {
  it.each([
    ['portolan_nothing > 0', 'there is no metric portolan_nothing'],
    ['portolan_ready_bucket', 'there is no metric portolan_ready_bucket'],
    ['portolan_propagation_seconds > 1', 'there is no metric portolan_propagation_seconds'],
    ['portolan_records{container="x"}', 'portolan_records has no label container'],
    ['portolan_ready{engine="x"}', 'portolan_ready has no label engine'],
    ['portolan_records{state="broken"} > 0', 'no state of portolan_records is ever broken'],
    ['sum by (owner) (portolan_conflicts)', 'nothing has a label owner'],
  ])('finds what is wrong with %s', (query, problem) => {
    expect(problems(query)).toEqual([problem]);
  });
});

describe('the alerts', () => {
  it.each(rules.map((rule) => [rule.alert, rule] as const))('%s asks for what there is', (_, rule) => {
    expect(problems(rule.expr)).toEqual([]);
    for (const text of Object.values(rule.annotations))
      for (const label of namedIn(text)) expect(labelsIn(rule.expr)).toContain(label);
  });

  it('have a name of their own, a severity, a summary and what to do', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const { alert, for: lasts, labels, annotations } of rules) {
      expect(alert).toMatch(/^Portolan[A-Z]\w+$/);
      expect(lasts).toMatch(/^\d+m$/);
      expect(['critical', 'warning', 'info']).toContain(labels.severity);
      expect(Object.keys(annotations)).toEqual(['summary', 'description']);
      for (const text of Object.values(annotations)) expect(text).toMatch(/\.$|\)\.$/);
    }
  });
});

describe('the dashboard', () => {
  it.each(targets.map(({ expr, legendFormat }) => [expr, legendFormat] as const))(
    'asks for what there is: %s',
    (expr, legend) => {
      expect(problems(expr)).toEqual([]);
      for (const label of namedIn(legend)) expect(labelsIn(expr)).toContain(label);
    },
  );

  it('has panels of different ids and titles, and looks for instances by a metric that is there', () => {
    const { panels, templating } = dashboard;
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
    expect(templating.list.map(({ query }) => query)).toContain(
      'label_values(portolan_build_info, instance)',
    );
  });
});

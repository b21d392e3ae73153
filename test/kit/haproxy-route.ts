import { expect } from 'vitest';
import type { RouteRecord } from '../../src/core/route-record.ts';
import { RouteTable } from '../../src/core/route-table.ts';
import type { Haproxy } from '../../src/proxy/haproxy/haproxy.ts';
import type { HaproxySettings } from '../../src/proxy/haproxy/settings.ts';
import { HaproxyLab, type HaproxyVersion } from './haproxy.ts';

const signal = new AbortController().signal;

/** A running HAProxy that serves records, without a loop and without a registry. */
export class HaproxyRoute {
  readonly lab: HaproxyLab;
  readonly proxy: Haproxy;
  readonly #table = new RouteTable(30_000);

  private constructor(lab: HaproxyLab) {
    this.lab = lab;
    this.proxy = lab.adapter();
  }

  static async open(version: HaproxyVersion, over: Partial<HaproxySettings> = {}): Promise<HaproxyRoute> {
    const route = new HaproxyRoute(await HaproxyLab.create(version, over));
    expect(await route.proxy.writer?.prepare()).toMatchObject({ ok: true });
    await route.lab.start();
    await route.settle();
    return route;
  }

  async put(...records: readonly RouteRecord[]): Promise<void> {
    this.#table.change(
      records.map((record) => ({ type: 'put', record })),
      0,
    );
    await this.settle();
  }

  async settle(): Promise<void> {
    await settleRoutes(this.proxy, this.#table);
  }
}

/** Passes over everything until nothing is left to do; a reload takes two. */
export async function settleRoutes(proxy: Haproxy, table: RouteTable): Promise<void> {
  for (let pass = 0; pass < 3; pass += 1) {
    expect(await proxy.observe(signal)).toMatchObject({ ok: true });
    const plan = proxy.plan(table, undefined);
    if (plan.lines.length === 0) return;
    await proxy.writer?.apply(plan, signal);
  }
  expect(proxy.plan(table, undefined).lines).toEqual([]);
}

import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

/** Megabytes of the heap of a fresh process that keeps little and throws much away, and what it says of itself. */
function heapAfterChurn(prepare: string): { readonly young: number; readonly old: number } {
  const script = `
    import { getHeapSpaceStatistics } from 'node:v8';
    ${prepare}
    const kept = [];
    for (let n = 0; n < 4_000_000; n += 1) kept[n % 300_000] = { n };
    const size = (name) => getHeapSpaceStatistics().find((space) => space.space_name === name).space_size / 1024 ** 2;
    console.log(JSON.stringify({ young: size('new_space'), old: size('old_space') }));`;
  const args = ['--import', 'tsx', '--input-type=module', '-e', script];
  const out = execFileSync(process.execPath, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return JSON.parse(out) as { young: number; old: number };
}

describe('the heap', () => {
  it('stays near what is alive, also when much is thrown away', () => {
    const usual = heapAfterChurn('');
    const small = heapAfterChurn("import { keepHeapSmall } from './src/telemetry/heap.ts'; keepHeapSmall();");
    expect(small.young).toBeLessThan(usual.young / 2);
    expect(small.young + small.old).toBeLessThan(usual.young + usual.old);
  });
});

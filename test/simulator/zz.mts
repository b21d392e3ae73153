import { plant } from './plant.ts';
import { PLANTED } from './planted.ts';
import { simulate } from './spawn.ts';

const only = process.argv[2];
const from = process.argv[3] ?? '1';
for (const bug of PLANTED) {
  if (only && !bug.name.includes(only)) continue;
  const t = Date.now();
  try {
    const r = await simulate(await plant(bug), ['--runs', '150', '--from', from, '--first']);
    console.log(
      r.failures.length ? 'found' : 'NOT FOUND',
      r.schedules,
      ((Date.now() - t) / 1000).toFixed(1),
      bug.name,
      r.failures[0]?.message.slice(0, 120),
    );
  } catch (e) {
    console.log('ERROR', bug.name, String(e).slice(0, 300));
  }
}

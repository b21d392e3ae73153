import { group, on, setting } from './setting.ts';
import { count, duration } from './values.ts';

export const flaps = group({
  damping: on(
    'Keep endpoints that become unhealthy too often out of rotation for a growing time.',
    true,
    'flap-damping',
    true,
  ),
  after: setting(count({ min: 2, max: 100 }).prefault(3), {
    reload: true,
    description: 'How often an endpoint becomes unhealthy before that is too often.',
    value: 'number',
  }),
  within: setting(duration({ min: 1000 }).prefault('5m'), {
    reload: true,
    description: 'Within what time; after as long without trouble everything is forgotten.',
    value: 'duration',
  }),
  firstOut: setting(duration({ min: 1000 }).prefault('30s'), {
    reload: true,
    description: 'How long it then stays out; each further time doubles it.',
    value: 'duration',
  }),
  longestOut: setting(duration({ min: 1000 }).prefault('5m'), {
    reload: true,
    description: 'The longest that it stays out.',
    value: 'duration',
  }),
});

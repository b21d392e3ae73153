import { PrivateEngine } from './engine.ts';

/** The current engine (28) as `hack/engine28.sh` starts it: one for all, and left as it is if it runs already. */
export const startEngine28 = async (): Promise<PrivateEngine> =>
  await PrivateEngine.start({ name: 'engine28', suite: 'sid' });

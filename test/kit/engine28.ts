import { PrivateEngine } from './engine.ts';

/** The current engine (28), as `hack/engine28.sh` starts it by hand. */
export const startEngine28 = async (): Promise<PrivateEngine> => await PrivateEngine.start({ suite: 'sid' });

import type { Config } from '../config/config.ts';

export interface LiveConfig {
  /** Each setting as it is at the moment it is read: who takes it out of here keeps what it was. */
  readonly config: Config;
  replace(next: Config): void;
}

/** A configuration that can be replaced while those who were given it go on reading it. */
export function liveConfig(initial: Config): LiveConfig {
  let current = initial;
  const names = Object.keys(initial) as (keyof Config)[];
  const properties = names.map((name) => [name, { enumerable: true, get: () => current[name] }] as const);
  return {
    config: Object.defineProperties({}, Object.fromEntries(properties)) as Config,
    replace: (next) => {
      current = next;
    },
  };
}

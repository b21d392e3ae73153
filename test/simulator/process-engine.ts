import type { Engine } from '../../src/source/docker/engine.ts';

const NEVER = new Promise<never>(() => undefined);

/** The engine as one process sees it: whatever was asked, a dead process hears no answer. */
export function engineOf(engine: Engine, isDead: () => boolean): Engine {
  const alive = async <T>(call: () => Promise<T>): Promise<T> => {
    if (isDead()) return await NEVER;
    const answer = await call();
    return isDead() ? await NEVER : answer;
  };
  return {
    negotiate: (signal) => alive(() => engine.negotiate(signal)),
    info: (signal) => alive(() => engine.info(signal)),
    list: (signal) => alive(() => engine.list(signal)),
    inspect: (reference, signal) => alive(() => engine.inspect(reference, signal)),
    networks: (signal) => alive(() => engine.networks(signal)),
    events: (query, sink, signal) => {
      const heard = {
        chunk: (bytes: Uint8Array) => {
          if (!isDead()) sink.chunk(bytes);
        },
        ended: (why: string) => {
          if (!isDead()) sink.ended(why);
        },
      };
      return alive(() => engine.events(query, heard, signal));
    },
    close: () => undefined,
  };
}

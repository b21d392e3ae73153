/**
 * Runs something while a condition holds, and again whenever it does; returns when the signal aborts. The condition is looked
 * at when `onChange` calls back, which answers how to stop that.
 */
export async function runWhile(
  condition: () => boolean,
  onChange: (changed: () => void) => () => void,
  run: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  let current: { readonly stop: AbortController; readonly ended: Promise<void> } | undefined;
  const look = (): void => {
    const wanted = condition() && !signal.aborted;
    if (wanted && current === undefined) {
      const stop = new AbortController();
      const ended = run(stop.signal).then(() => {
        current = undefined;
        // It may have been wanted again meanwhile.
        if (!signal.aborted) look();
      });
      current = { stop, ended };
    } else if (!wanted) current?.stop.abort();
  };
  const forget = onChange(look);
  look();
  if (!signal.aborted)
    await new Promise<void>((resolve) => {
      signal.addEventListener(
        'abort',
        () => {
          resolve();
        },
        { once: true },
      );
    });
  forget();
  current?.stop.abort();
  await current?.ended;
}

/** Speaks for the whole container, whatever dialects are on: an explicit "leave me out" holds even with labels off. */
export const ENABLE_LABEL = 'portolan.enable';

/** `unclear`: there is something, but neither true nor false. Who wrote that may have meant "no", so nothing is published. */
export type Wish = 'publish' | 'leave-out' | 'unclear' | 'unsaid';

export function parseWish(text: string | undefined): Wish {
  if (text === undefined) return 'unsaid';
  // Cut first: a hostile value may be megabytes long.
  const word = text.slice(0, 64).trim().toLowerCase();
  if (word === 'true') return 'publish';
  return word === 'false' ? 'leave-out' : 'unclear';
}

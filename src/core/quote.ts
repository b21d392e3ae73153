const LIMIT = 60;

/** Outside text as a person may see it: no control, format or invisible character (they can forge a terminal's lines), and short. */
export function printable(text: string): string {
  // Cut first: what follows must not cost time in proportion to what a hostile container says.
  const clipped = text.length > LIMIT ? `${text.slice(0, LIMIT)}…` : text;
  return clipped.replace(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, '?');
}

/** The same between quotation marks, for messages. */
export function quote(text: string): string {
  return JSON.stringify(printable(text));
}

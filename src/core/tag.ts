/** Of one port. */
export const MOST_TAGS = 64;

const TAG = /^[A-Za-z0-9._~:@+=/-]{1,128}$/;

/** Tags go to registries and proxies, so they have the characters of paths only. */
export function isTag(text: string): boolean {
  return TAG.test(text);
}

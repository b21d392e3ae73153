/** Below it lies what agents keep for themselves, whatever the prefixes of the layouts: nobody's service. */
const PREFIX = '/portolan/';

export function isBookkeeping(key: string): boolean {
  return key.startsWith(PREFIX);
}

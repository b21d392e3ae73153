import { readFileSync } from 'node:fs';

/** The version of the package. `hack/bundle.ts` puts it in here when everything becomes one file. */
export function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}

import type { Machine } from '../context.ts';
import { LEAVES } from '../settings.ts';

/** What is on; the members of these groups that are not named are off. */
const ON: ReadonlySet<string> = new Set(['layouts.registrar.enabled', 'dialects.registrar.enabled']);

const FIXED: Readonly<Record<string, unknown>> = {
  // Its readers know no state of a document.
  drainMark: 'delete',
  // Its early versions had host documents; they are off unless asked for.
  'layouts.hosts.format': 'registrar',
  // It registered whatever ran.
  'docker.oneOff': true,
};

/** How service-registrar behaved where it had no setting. `said`: settings that something else decides. */
export function otherDefaults(machine: Machine, said: (path: string) => boolean): Map<string, unknown> {
  const values = new Map<string, unknown>(Object.entries(FIXED));
  for (const path of LEAVES.keys())
    if (/^(?:layouts|dialects)\.\w+\.enabled$/.test(path)) values.set(path, ON.has(path));
  if (!said('hostName')) values.set('hostName', machine.fullHostName());
  return new Map([...values].filter(([path, value]) => !said(path) && value !== undefined));
}

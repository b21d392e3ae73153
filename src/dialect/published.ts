import type { Container } from '../core/container.ts';
import { type Dialect, type DialectReading, plainService, type UsedKey } from '../core/service.ts';
import { composeNames, defaultPaths, PROJECT_LABEL, SERVICE_LABEL } from './naming.ts';
import { leftOut, sharesNetwork } from './plain.ts';
import { offeredPorts } from './port.ts';

/** Published ports of containers that say nothing about themselves. */
export const publishedDialect: Dialect = { name: 'published', read };

function read(container: Container): DialectReading {
  const shared = sharesNetwork(container);
  if (shared !== undefined) return { dialect: 'published', services: [], used: [], reasons: [shared] };
  const offered = offeredPorts(container);
  const pathOf = defaultPaths(container);
  return {
    dialect: 'published',
    services: offered.map((port) => plainService('published', pathOf(port), port)),
    used: offered.length > 0 ? usedKeys(container) : [],
    reasons: leftOut(container, offered, 'publish it, or use portolan.address=container'),
  };
}

function usedKeys(container: Container): readonly UsedKey[] {
  if (composeNames(container) === undefined) return [];
  return [
    { from: 'label', key: PROJECT_LABEL, meaning: 'first segment of the default path' },
    { from: 'label', key: SERVICE_LABEL, meaning: 'second segment of the default path' },
  ];
}

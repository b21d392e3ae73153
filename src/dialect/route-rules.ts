import type { RouteSettings } from '../core/route-settings.ts';
import type { RouteRule } from '../core/service.ts';
import type { Group, Groups } from './label-group.ts';
import type { LabelKey, Settings } from './labels.ts';
import { ROUTE_LABELS } from './route-labels.ts';

/** A label that only asks something of proxies; it publishes nothing. */
export function isRouteKey(key: LabelKey): boolean {
  return Object.hasOwn(ROUTE_LABELS, key);
}

/** What the labels ask of proxies; those of a port go over those of the container, label by label. */
export function readRoutes({ common, ports }: Groups): readonly RouteRule[] {
  const rules: RouteRule[] = [...ports.values()].filter(speaksOfRoutes).flatMap((group): RouteRule[] => {
    const settings = { ...common.settings, ...group.settings };
    return group.port === undefined ? [] : [{ port: group.port, settings: settingsOf(settings) }];
  });
  if (speaksOfRoutes(common)) rules.push({ port: undefined, settings: settingsOf(common.settings) });
  return rules;
}

function speaksOfRoutes({ labels }: Group): boolean {
  return [...labels.keys()].some(isRouteKey);
}

/** Only what is asked for; `false` asks for nothing, but it overrides what the container says. */
function settingsOf(settings: Settings): RouteSettings {
  const {
    'route.aliases': aliases,
    'route.balance': balance,
    'route.timeout': timeoutMs,
    'route.check': check,
    'route.retry': retry,
    'route.protocol': protocol,
  } = settings;
  return {
    ...(aliases === undefined ? {} : { aliases }),
    ...(balance === undefined ? {} : { balance }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(check === undefined ? {} : { check }),
    ...(retry === 'true' ? { retry: true } : {}),
    ...(protocol === undefined ? {} : { protocol }),
  };
}

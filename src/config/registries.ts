import { shown } from '../core/quote.ts';
import type { RegistryConfig, Settings } from './config.ts';
import { type Context, complain, warn } from './context.ts';
import { loginOf } from './login.ts';
import type { RegistrySettings } from './registry-settings.ts';
import { tlsOf } from './tls.ts';

/** Hosts that only this machine can reach. */
export const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|::1|\[::1\])$/;

/** The registries to write to; without any, the embedded one. */
export function registries(settings: Settings, context: Context): RegistryConfig[] {
  const entries: RegistryConfig[] = [];
  settings.registries.forEach((entry, index) => {
    const registry = oneRegistry(entry, index, settings, context);
    if (entries.some(({ name }) => name === registry.name))
      complain(context, ['registries', index], `is a second registry with the name ${shown(registry.name)}`, {
        remedy: 'name each registry once, or give them different names',
      });
    entries.push(registry);
  });
  return entries.length > 0 ? entries : [embedded(settings)];
}

function embedded(settings: Settings): RegistryConfig {
  const login = { username: undefined, password: undefined, passwordFile: undefined };
  const none = { members: [], tls: undefined, ...login };
  return { name: 'memory://', url: 'memory://', kind: 'memory', policy: settings.policy, ...none };
}

function oneRegistry(
  entry: RegistrySettings,
  index: number,
  settings: Settings,
  context: Context,
): RegistryConfig {
  const { url } = entry;
  const keys = ['registries', index];
  const login = loginOf(entry, keys, settings, context);
  if (login.password !== undefined && !url.tls && url.members.some((member) => !isLoopback(member)))
    warn(context, keys, 'sends its password without TLS', 'use etcds://');
  return {
    name: entry.name ?? url.url,
    url: url.url,
    kind: url.kind,
    members: url.members,
    tls: tlsOf(entry, index, settings, context),
    ...login,
    policy: entry.policy ?? settings.policy,
  };
}

const isLoopback = (member: string): boolean => LOOPBACK.test(member.replace(/:\d+$/, ''));

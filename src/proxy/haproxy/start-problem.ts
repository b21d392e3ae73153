import { shown } from '../../core/quote.ts';
import { lastLines } from '../command.ts';

/** What HAProxy printed when it did not start, as a sentence that says what to change. */
export function startProblem(output: string): string {
  const [, why, address] =
    /cannot bind (?:\w+ )?socket \(([^)]{1,80})\)[^[\n]*\[([^\]\s]{1,120})\]/.exec(output) ?? [];
  if (why === 'Address already in use')
    return `${address ?? 'its address'} is taken by another program; stop that one, or choose another address by bind`;
  if (why === 'Permission denied')
    return `this user may not listen on ${address ?? 'its address'}; choose a port above 1023 by bind, or give the agent the capability CAP_NET_BIND_SERVICE`;
  if (why === 'Cannot assign requested address')
    return `this host has no address ${address ?? 'such as bind names'}; correct bind`;
  return lastLines(output) || 'it ended without a word';
}

/** What an HAProxy that checks a configuration finds wrong, without what is another text each time; undefined: nothing. */
export function checkProblem(output: string): string | undefined {
  const alerts = output.split('\n').flatMap((line) => {
    const [, alert] = /^\[ALERT\]\s+\(\d+\) : (?:config : )?(.*)$/.exec(line) ?? [];
    return alert === undefined || /^(?:Error\(s\)|Fatal errors) found in/.test(alert) ? [] : [alert];
  });
  return alerts.length === 0 ? undefined : shown(alerts.slice(0, 3).join(' | '), 600);
}

/** What `haproxy -v` says: `2.6.12-1+deb12u3`; undefined when that is not HAProxy. */
export function installedVersion(output: string): string | undefined {
  return /^HA-?Proxy version (\S{1,60})/m.exec(output)?.[1];
}

const ALWAYS = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Tells whether a `Host` header names this listener. A web page that a browser of this machine opens could otherwise
 * reach it under a name of its own that resolves to 127.0.0.1 (DNS rebinding).
 */
export function hostCheck(allowed: Iterable<string>): (host: string | undefined) => boolean {
  const names = new Set([...ALWAYS, ...allowed].map((name) => withoutPort(name.toLowerCase())));
  return (host) => host !== undefined && names.has(withoutPort(host.trim().toLowerCase()));
}

function withoutPort(host: string): string {
  // An IPv6 literal without brackets has colons but no port.
  if (/^[0-9a-f:]*:[0-9a-f:]*:[0-9a-f:.]*$/.test(host)) return `[${host}]`;
  return host.replace(/:\d*$/, '');
}

/** What the codes of the system mean to somebody who reads them in `explain`. */
const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection is refused: nothing listens there',
  ECONNRESET: 'the connection was reset',
  EHOSTUNREACH: 'the host finds no way to it',
  ENETUNREACH: 'the host finds no way to its network',
  ETIMEDOUT: 'no answer',
  EPIPE: 'the connection was closed',
  EMFILE: 'this process may open no more files',
  ENFILE: 'this machine has no more open files to give',
  EADDRNOTAVAIL: 'this host has no port left to connect from',
  HPE_HEADER_OVERFLOW: 'the header of the answer is too large',
};

/** Why an attempt failed; nothing that a container said enters it. */
export function whyFailed(error: Error): string {
  const { code } = error as { readonly code?: unknown };
  if (typeof code !== 'string' || !/^[A-Z][A-Z0-9_]{1,40}$/.test(code)) return 'the connection failed';
  if (Object.hasOwn(WORDS, code)) return WORDS[code] ?? code;
  return code.startsWith('HPE_') ? `the answer is not HTTP (${code})` : `the connection failed (${code})`;
}

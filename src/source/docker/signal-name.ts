/** Linux signal numbers 1 to 31 in order; events and images name signals by number as well as by name. */
const NAMES = (
  'HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT ' +
  'CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS'
).split(' ');

const ALIASES: ReadonlyMap<string, string> = new Map([
  ['IOT', 'ABRT'],
  ['CLD', 'CHLD'],
  ['POLL', 'IO'],
  ['UNUSED', 'SYS'],
]);

const FIRST_REAL_TIME = 34;
const LAST_REAL_TIME = 64;

/** `15`, `term` and `SIGTERM` are all `SIGTERM`; real-time signals become `SIGRTMIN+n`. Unknown text only gains its prefix. */
export function signalName(text: string | undefined): string {
  const bare = (text ?? '').trim().toUpperCase().replace(/^SIG/, '');
  if (bare === '') return 'SIGTERM';
  return /^\d+$/.test(bare) ? nameOf(Number(bare)) : `SIG${canonical(bare)}`;
}

function nameOf(number: number): string {
  const name = NAMES[number - 1];
  if (name !== undefined) return `SIG${name}`;
  if (number < FIRST_REAL_TIME || number > LAST_REAL_TIME) return `SIG${number}`;
  return number === FIRST_REAL_TIME ? 'SIGRTMIN' : `SIGRTMIN+${number - FIRST_REAL_TIME}`;
}

function canonical(bare: string): string {
  const fromTop = /^RTMAX(?:-(\d+))?$/.exec(bare);
  if (fromTop === null) return ALIASES.get(bare) ?? bare;
  return nameOf(LAST_REAL_TIME - Number(fromTop[1] ?? 0)).slice(3);
}

/** What HAProxy answers on its socket, read by the names of columns and never by their numbers. Nothing here throws. */

/** Which process answers. `id` differs for every process, also when a number is used again. */
export interface ProcessInfo {
  readonly id: string;
  readonly version: string;
  readonly uptimeSeconds: number;
}

/** undefined: what answers is no HAProxy, or the socket is not allowed to say. */
export function parseInfo(text: string): ProcessInfo | undefined {
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, key, value] = /^([^:]{1,64}): ?(.*)$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) fields.set(key, value);
  }
  const pid = fields.get('Pid');
  const version = fields.get('Version');
  if (pid === undefined || version === undefined) return undefined;
  const start = fields.get('Start_time_sec') ?? '';
  return { id: `${pid}@${start}`, version, uptimeSeconds: Number(fields.get('Uptime_sec') ?? '0') };
}

/** Whether the version (such as `2.6.12-1+deb12u3`) has `add server` without experiments. */
export function isOldVersion(version: string): boolean {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  if (major === undefined || minor === undefined) return false;
  return Number(major) < 2 || (Number(major) === 2 && Number(minor) < 6);
}

export interface ServerState {
  readonly backend: string;
  readonly name: string;
  readonly ip: string;
  readonly port: number;
  readonly weight: number;
  readonly mode: 'ready' | 'drain' | 'maint';
  /** Health checks run. */
  readonly checked: boolean;
  /** It takes connections, as far as HAProxy knows. */
  readonly up: boolean;
  /** Seconds since its operational state changed. */
  readonly seconds: number;
}

const FORCED_MAINT = 0x01;
const ANY_MAINT = 0x01 | 0x02 | 0x04 | 0x20;
const ANY_DRAIN = 0x08 | 0x10;
const CHECK_ENABLED = 0x04;

/** The rows of one or several `show servers state`, and the lines in between that belong to no table. */
export function parseServers(text: string): {
  readonly servers: readonly ServerState[];
  readonly other: readonly string[];
} {
  const servers: ServerState[] = [];
  const other: string[] = [];
  let columns: Columns | undefined;
  for (const line of text.split('\n')) {
    if (line.startsWith('# be_id ')) {
      columns = columnsOf(line.slice(2).split(' '));
      continue;
    }
    const server = columns === undefined ? undefined : parseServer(line, columns);
    if (server !== undefined) servers.push(server);
    else if (line !== '' && line !== '1') other.push(line);
  }
  return { servers, other };
}

/** Where each column stands: looked up once for a table, which may have ten thousand rows. */
type Columns = ReturnType<typeof columnsOf>;

function columnsOf(names: readonly string[]) {
  const at = (name: string): number => names.indexOf(name);
  return {
    count: names.length,
    backend: at('be_name'),
    name: at('srv_name'),
    ip: at('srv_addr'),
    port: at('srv_port'),
    weight: at('srv_uweight'),
    admin: at('srv_admin_state'),
    check: at('srv_check_state'),
    operation: at('srv_op_state'),
    seconds: at('srv_time_since_last_change'),
  };
}

const DIGITS = /^\d+$/;

function parseServer(line: string, columns: Columns): ServerState | undefined {
  const cells = line.split(' ');
  if (cells.length < columns.count || !DIGITS.test(cells[0] ?? '')) return undefined;
  const cell = (at: number): string => cells[at] ?? '';
  const admin = Number(cell(columns.admin));
  return {
    backend: cell(columns.backend),
    name: cell(columns.name),
    ip: cell(columns.ip),
    port: Number(cell(columns.port)),
    weight: Number(cell(columns.weight)),
    mode: (admin & ANY_MAINT) !== 0 ? 'maint' : (admin & ANY_DRAIN) !== 0 ? 'drain' : 'ready',
    checked: (Number(cell(columns.check)) & CHECK_ENABLED) !== 0,
    up: Number(cell(columns.operation)) !== 0 && (admin & FORCED_MAINT) === 0,
    seconds: Number(cell(columns.seconds)),
  };
}

/** Key and value of each entry, in HAProxy's order; a key may be there twice. undefined: HAProxy has no such map. */
export function parseMap(text: string): readonly (readonly [key: string, value: string])[] | undefined {
  const entries: (readonly [string, string])[] = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, key, value] = /^0x[0-9a-f]+ (\S+) (.*)$/.exec(line) ?? [];
    if (key === undefined || value === undefined) return undefined;
    entries.push([key, value]);
  }
  return entries;
}

export function parseBackends(text: string): ReadonlySet<string> {
  return new Set(text.split('\n').filter((line) => line !== '' && !line.startsWith('#')));
}

export interface Load {
  readonly sessions: number;
  readonly queued: number;
  /** Sessions since the process began. */
  readonly total: number;
}

/** Load by `backend` or `backend/server`, of `show stat`. */
export function parseLoad(text: string): ReadonlyMap<string, Load> {
  const loads = new Map<string, Load>();
  let columns: readonly string[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('# pxname,')) columns = line.slice(2).split(',');
    else if (line !== '') {
      const cells = line.split(',');
      const cell = (name: string): string => cells[columns.indexOf(name)] ?? '';
      const name = cell('svname');
      const key = name === 'BACKEND' ? cell('pxname') : `${cell('pxname')}/${name}`;
      const number = (column: string): number => Number(cell(column));
      loads.set(key, { sessions: number('scur'), queued: number('qcur'), total: number('stot') });
    }
  }
  return loads;
}

/** `prepare map` names the version that it made. */
export function parseVersion(text: string): string | undefined {
  return /^New version created: (\d+)$/m.exec(text)?.[1];
}

/** What HAProxy says when a command did what it should. */
const FINE: readonly RegExp[] = [
  /^New server registered\.$/,
  /^Server deleted\.$/,
  /^(?:IP|port) changed from /,
  /^no need to change /,
  /^nothing changed/,
  // Deleting what never came, or is gone already, leaves the world as it should be.
  /^No such server\.$/,
  /^entry not found\.$/,
];
/** The server still has connections: it is deleted later. */
const BUSY = /^Server still has connections attached to it/;

/** Lines of an answer that tell of a refusal. */
export function refusals(lines: readonly string[]): readonly string[] {
  return lines.filter((line) => line !== '' && !BUSY.test(line) && !FINE.some((fine) => fine.test(line)));
}

/** The socket may read, but not change anything. */
export function isDenied(text: string): boolean {
  return /^Permission denied/m.test(text);
}

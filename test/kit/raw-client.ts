import { connect, type NetConnectOpts } from 'node:net';

export interface RawRequest {
  /** Sent one after the other, with a turn of the event loop between them. */
  readonly parts: readonly Uint8Array[];
  /** How the client leaves: it waits for the server's end, closes its own side first, or breaks the connection off. */
  readonly leave: 'wait' | 'half-close' | 'reset';
  /** How long the client stays when neither side has anything more to say. */
  readonly idleMs: number;
}

/** Sends bytes that need not be HTTP, and collects what comes back until one of the two closes. */
export function sendRaw(where: NetConnectOpts, { parts, leave, idleMs }: RawRequest): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(where);
    const rest = [...parts];
    const next = (): void => {
      const part = rest.shift();
      if (part !== undefined) socket.write(part, () => setImmediate(next));
      else if (leave === 'half-close') socket.end();
      else if (leave === 'reset') abandon();
    };
    // Only TCP knows a reset.
    const abandon = (): void => {
      if ('port' in where) socket.resetAndDestroy();
      else socket.destroy();
    };
    socket.on('connect', next);
    socket.setTimeout(idleMs, () => socket.destroy());
    socket.on('data', (part: Buffer) => (text += part.toString('latin1')));
    // The server may well close before everything is sent.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      resolve(text);
    });
  });
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

const STATUS_LINE = /^HTTP\/1\.1 (\d{3}) [ -~]*$/;

/** Takes the answers apart; throws for anything that is not a whole answer. `100 Continue` is none. */
export function answersIn(text: string): RawAnswer[] {
  const answers: RawAnswer[] = [];
  for (let rest = text; rest !== ''; ) {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) throw new Error(`no end of the head: ${JSON.stringify(rest.slice(0, 200))}`);
    const [first = '', ...lines] = rest.slice(0, end).split('\r\n');
    const status = Number(STATUS_LINE.exec(first)?.[1]);
    if (Number.isNaN(status)) throw new Error(`no status line: ${JSON.stringify(first.slice(0, 200))}`);
    const headers = new Map(lines.map(header));
    rest = rest.slice(end + 4);
    // Without a length the end of the connection ends it, as for a client of HTTP/1.0.
    const isOpen = headers.has('transfer-encoding') || headers.get('connection') === 'close';
    const size = Number(headers.get('content-length') ?? (isOpen ? rest.length : 0));
    // The answer to a HEAD tells a length and has no body: the next answer follows at once.
    const length = rest.startsWith('HTTP/1.1 ') ? 0 : size;
    if (status !== 100) answers.push({ status, headers, body: rest.slice(0, length) });
    rest = rest.slice(length);
  }
  return answers;
}

function header(line: string): [string, string] {
  const [, name, value] = /^([A-Za-z-]+): ([ -~]*)$/.exec(line) ?? [];
  if (name === undefined || value === undefined) throw new Error(`no header: ${JSON.stringify(line)}`);
  return [name.toLowerCase(), value];
}

import type { ServerResponse } from 'node:http';

/** What a request is answered with. Errors are `{error: {code, message}}`; there is never a stack trace in them. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
  /** Sent as it is, in place of the body; its type is among the headers. */
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export function problem(status: number, code: string, message: string, headers?: Answer['headers']): Answer {
  const body = { error: { code, message } };
  return headers === undefined ? { status, body } : { status, body, headers };
}

const COMMON = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

/** Sends an answer; a `HEAD` gets the head alone. */
export function send(response: ServerResponse, answer: Answer, headOnly: boolean): void {
  if (response.headersSent || response.destroyed) return;
  const text = answer.text ?? `${JSON.stringify(answer.body)}\n`;
  response.writeHead(answer.status, {
    ...COMMON,
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    ...answer.headers,
  });
  response.end(headOnly ? undefined : text);
}

export function startStream(response: ServerResponse): void {
  response.writeHead(200, { ...COMMON, 'content-type': 'application/x-ndjson; charset=utf-8' });
  response.flushHeaders();
}

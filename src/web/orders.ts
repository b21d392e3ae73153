import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import type { Carried, Orders, RefusalCode } from '../core/orders.ts';
import { checkSegment } from '../core/segment.ts';
import { type Answer, problem } from './answer.ts';

/** An order fits in this many bytes; whoever sends more is cut off. */
const MAX_BODY_BYTES = 16_384;

/** Checks a body and carries the order out. */
type OrderRoute = (orders: Orders, body: unknown, signal: AbortSignal) => Promise<Answer>;

const reference = z.string().min(1).max(256);
const drainable = z.union([
  z.strictObject({ container: reference, engine: reference.optional() }),
  z.strictObject({ host: z.literal(true), engine: reference.optional() }),
]);

const owner = z.string().refine((text) => checkSegment(text) === undefined, 'is no owner id');
const removable = z.strictObject({ owner, force: z.boolean() });

/** Every order by its path. They are served on the control socket only: see `createWebServer`. */
export const ORDERS: ReadonlyMap<string, OrderRoute> = new Map([
  ['/v1/drain', order(drainable, (orders, whom, signal) => orders.drain(whom, signal))],
  ['/v1/undrain', order(drainable, (orders, whom, signal) => orders.undrain(whom, signal))],
  ['/v1/hosts/remove', order(removable, (orders, which, signal) => orders.removeHost(which, signal))],
]);

const STATUS: Readonly<Record<RefusalCode, number>> = {
  'not-found': 404,
  ambiguous: 409,
  refused: 409,
  'not-now': 503,
};

function order<T>(
  schema: z.ZodType<T>,
  carry: (orders: Orders, body: T, signal: AbortSignal) => Promise<Carried<unknown>>,
): OrderRoute {
  return async (orders, body, signal) => {
    const parsed = schema.safeParse(body);
    if (!parsed.success)
      return problem(400, 'bad-order', `This order cannot be read: ${z.prettifyError(parsed.error)}`);
    const carried = await carry(orders, parsed.data, signal);
    if (carried.ok) return { status: 200, body: carried.value };
    const { code, message } = carried.refusal;
    return problem(STATUS[code], code, message);
  };
}

/** Reads the body of a request and carries out the order in it. */
export async function obey(
  route: OrderRoute,
  request: IncomingMessage,
  orders: Orders,
  signal: AbortSignal,
): Promise<Answer> {
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (type !== 'application/json') return problem(415, 'not-json', 'Send the order as application/json.');
  const text = await bodyOf(request);
  if (text === undefined)
    return problem(413, 'too-large', `An order has at most ${String(MAX_BODY_BYTES)} bytes.`, {
      connection: 'close',
    });
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return problem(400, 'bad-json', 'The body of the order is not JSON.');
  }
  return await route(orders, body, signal);
}

/** undefined for more than an order has; the rest of it is not even read. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let bytes = 0;
  // The request must not be destroyed when the reading stops: its answer goes over the same connection.
  for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > MAX_BODY_BYTES) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

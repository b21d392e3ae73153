import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkPrototypes, hostileText, runs } from '../../../test/kit/fuzz.ts';
import { mutated } from '../../../test/kit/hostile-json.ts';
import { bytesAlive } from '../../../test/kit/memory.ts';
import { EventDecoder } from './decoder.ts';
import { readEvent } from './event.ts';

const fixture = new URL('../../../test/fixtures/engine-20.10/events.jsonl', import.meta.url);
const samples = readFileSync(fixture, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as unknown);
const mutatedSample = fc.oneof(...samples.slice(0, 12).map(mutated));
const encoder = new TextEncoder();

/** One line of a stream: its bytes, and the event that it holds, if it holds one. */
interface Line {
  readonly bytes: Uint8Array;
  readonly event?: unknown;
}

/** `JSON.stringify`, or the same with every character beyond ASCII (and some within) as an escape. */
const written = fc.constantFrom<(json: unknown) => string>(
  (json) => JSON.stringify(json),
  (json) =>
    JSON.stringify(json).replace(
      /[\u007f-\uffff/]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    ),
);
const json = fc.oneof(
  fc.constantFrom(...samples),
  mutatedSample,
  fc.dictionary(hostileText, hostileText, { maxKeys: 3 }),
);
const objectText = fc
  .tuple(json, written)
  .map(([value, write]) => write(typeof value === 'object' && !Array.isArray(value) ? value : { value }))
  .filter((text) => text.startsWith('{'));

const goodLine = objectText.map((text): Line => ({ bytes: encoder.encode(text), event: JSON.parse(text) }));
const badLine = fc
  .oneof(
    // An object that was cut off: a prefix is never an object, however its braces stand.
    fc.tuple(objectText, fc.double({ min: 0, max: 0.999, noNaN: true })).map(([text, at]) => {
      const bytes = encoder.encode(text);
      return bytes.subarray(0, Math.max(1, Math.floor(bytes.length * at)));
    }),
    // What does not begin like an object is none.
    fc.uint8Array({ minLength: 1, maxLength: 60 }).map((bytes) => Buffer.concat([Buffer.from('x'), bytes])),
    objectText.map((text) => encoder.encode(`[${text}]`)),
    // Balanced, but not JSON.
    fc
      .constantFrom('{,}', '{a:1}', '{"a":01}', '{"a":"\\x"}', '{"a":\u00a01}', '{{}}', '{"a":1,}')
      .map((text) => encoder.encode(text)),
  )
  .map((bytes): Line => ({ bytes: Uint8Array.from(bytes.filter((byte) => byte !== 0x0a)) }));

const stream = fc.array(fc.oneof(goodLine, badLine), { maxLength: 8 });
const anyCuts = fc.oneof(fc.constant('everywhere' as const), fc.array(fc.nat(), { maxLength: 30 }));

function decode(bytes: Uint8Array, cuts: readonly number[] | 'everywhere') {
  const decoder = new EventDecoder();
  const places =
    cuts === 'everywhere'
      ? [...bytes.keys()]
      : [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  const events: unknown[] = [];
  let from = 0;
  for (const to of [...places, bytes.length]) {
    // The memory of a chunk belongs to somebody else afterwards.
    const chunk = Uint8Array.from(bytes.subarray(from, to));
    events.push(...decoder.push(chunk));
    chunk.fill(0x7b);
    from = to;
  }
  return { events, skipped: decoder.skipped };
}

const join = (lines: readonly Line[]): Uint8Array =>
  Buffer.concat(lines.flatMap(({ bytes }) => [bytes, encoder.encode('\n')]));

describe('the event decoder', () => {
  it('reads every whole line and counts every broken one, wherever the stream is cut', () => {
    fc.assert(
      fc.property(stream, anyCuts, (lines, cuts) => {
        const { events, skipped } = decode(join(lines), cuts);
        const good = lines.filter((line) => 'event' in line);
        expect(events).toEqual(good.map(({ event }) => event));
        expect(skipped).toBe(lines.length - good.length);
        checkPrototypes();
      }),
      runs(250),
    );
  });

  it('never throws for any bytes, and reads the first line after them', () => {
    const scrap = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc
        .array(fc.constantFrom('{', '}', '"', '\\', '\n', '[', ':', ',', 'é', '{"a":1}', ' '), {
          maxLength: 60,
        })
        .map((parts) => encoder.encode(parts.join(''))),
    );
    fc.assert(
      fc.property(scrap, anyCuts, (bytes, cuts) => {
        const { events } = decode(Buffer.concat([bytes, encoder.encode('\n{"Action":"start"}')]), cuts);
        expect(events.at(-1)).toEqual({ Action: 'start' });
        for (const event of events) expect(event).toBeTypeOf('object');
      }),
      runs(1500),
    );
  });

  it('keeps no more of a line than its limit, however it comes', () => {
    const begin = fc.constantFrom('{"a":"', '{', '{"a":{', 'x', '{"a":"\\');
    const part = fc.constantFrom('x', '\\', '{', '"', '""', '{"');
    fc.assert(
      fc.property(begin, part, fc.constantFrom(1, 64 * 1024), (start, filler, size) => {
        const decoder = new EventDecoder();
        const chunk = encoder.encode(filler.repeat(size)).subarray(0, size);
        decoder.push(encoder.encode(start));
        const before = bytesAlive();
        let most = 0;
        const total = (size === 1 ? 1.5 : 32) * 1024 * 1024;
        for (let sent = 0; sent < total; sent += chunk.length) {
          decoder.push(chunk);
          if (sent % (total / 4) === 0) most = Math.max(most, bytesAlive() - before);
        }
        expect(most).toBeLessThan(16 * 1024 * 1024);
        expect(decoder.push(encoder.encode('\n{"b":2}'))).toEqual([{ b: 2 }]);
      }),
      runs(6),
    );
  });
});

describe('an event', () => {
  it('of any JSON is read or left out, with facts of the right type', () => {
    fc.assert(
      fc.property(mutatedSample, (value) => {
        const event = readEvent(JSON.parse(JSON.stringify(value)));
        checkPrototypes();
        if (event === undefined) return;
        expect(['container', 'network']).toContain(event.type);
        expect(Number.isSafeInteger(event.at)).toBe(true);
        expect(event.key).toBeTypeOf('string');
        for (const text of [event.container, event.signal, event.network?.name])
          expect(['string', 'undefined']).toContain(typeof text);
      }),
      runs(1500),
    );
  });

  it('nested as deeply as its limit allows does not run out of stack', () => {
    for (const [open, close] of [
      ['{"a":', '}'],
      ['{"Actor":{"Attributes":[', ']}}'],
    ] as const) {
      const depth = Math.floor((1024 * 1024 - 1) / (open.length + close.length));
      const { events, skipped } = decode(
        encoder.encode(`${open.repeat(depth)}1${close.repeat(depth)}\n`),
        [7],
      );
      expect([events.length, skipped]).toEqual([1, 0]);
      expect(readEvent(events[0])).toBeUndefined();
    }
  });
});

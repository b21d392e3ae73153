import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesAlive } from '../../../test/kit/memory.ts';
import { EventDecoder } from './decoder.ts';

const encoder = new TextEncoder();

/** Feeds the text in pieces that end at the given places. */
function decode(text: string, cuts: readonly number[] = [], limit?: number) {
  const bytes = encoder.encode(text);
  const decoder = new EventDecoder(limit);
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  const events: unknown[] = [];
  let from = 0;
  for (const to of [...places, bytes.length]) {
    events.push(...decoder.push(bytes.subarray(from, to)));
    from = to;
  }
  return { events, skipped: decoder.skipped };
}

const anyObject = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue());
const anyCuts = fc.array(fc.nat(), { maxLength: 40 });
const anySeparator = fc.constantFrom('', '\n', '\r\n', ' ', '\n\n', '\t\n');

describe('EventDecoder', () => {
  it('gives the same events however the stream is cut and whatever separates them', () => {
    const anyStream = fc.array(fc.tuple(anyObject, anySeparator), { maxLength: 8 });
    fc.assert(
      fc.property(anyStream, anyCuts, (items, cuts) => {
        const text = items.map(([value, separator]) => JSON.stringify(value) + separator).join('');
        const expected = items.map(([value]) => JSON.parse(JSON.stringify(value)) as unknown);
        expect(decode(text, cuts)).toEqual({ events: expected, skipped: 0 });
      }),
    );
  });

  it('never throws, and finds the next object after any garbage line', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), anyCuts, (garbage, cuts) => {
        const decoder = new EventDecoder();
        decoder.push(garbage);
        const rest = encoder.encode('\n{"Action":"start"}\n');
        const cut = (cuts[0] ?? 0) % rest.length;
        const events = [...decoder.push(rest.subarray(0, cut)), ...decoder.push(rest.subarray(cut))];
        expect(events.at(-1)).toEqual({ Action: 'start' });
      }),
    );
  });

  it('keeps a character that is cut in the middle', () => {
    const text = '{"name":"Größe 船 🚢"}\n';
    for (let cut = 0; cut < encoder.encode(text).length; cut += 1) {
      expect(decode(text, [cut]).events).toEqual([{ name: 'Größe 船 🚢' }]);
    }
  });

  it('skips a broken object up to the next newline, and counts it', () => {
    expect(decode('{"a":1,\n{"b":2}\n')).toEqual({ events: [{ b: 2 }], skipped: 1 });
    expect(decode('{"a":"x\n{"b":2}\n')).toEqual({ events: [{ b: 2 }], skipped: 1 });
    expect(decode('{nonsense} {"lost":true}\n{"b":2}')).toEqual({ events: [{ b: 2 }], skipped: 1 });
    expect(decode('HTTP error\n{"b":2}')).toEqual({ events: [{ b: 2 }], skipped: 1 });
  });

  it('skips an object over the limit without keeping it', () => {
    const large = JSON.stringify({ large: 'x'.repeat(300) });
    expect(decode(`${large}{"b":2}`, [5, 20, 100, 200], 128)).toEqual({ events: [{ b: 2 }], skipped: 1 });
    expect(decode(`${'x'.repeat(1)}\n{"b":2}`, [], 128)).toEqual({ events: [{ b: 2 }], skipped: 1 });
  });

  it('takes no more room for an object that comes byte by byte', () => {
    const decoder = new EventDecoder();
    const one = encoder.encode('x');
    decoder.push(encoder.encode('{"a":"'));
    const before = bytesAlive();
    for (let sent = 0; sent < 500_000; sent += 1) decoder.push(one);
    expect(bytesAlive() - before).toBeLessThan(16 * 1024 * 1024);
    expect(decoder.push(encoder.encode('"}'))).toEqual([{ a: 'x'.repeat(500_000) }]);
  });

  it('does not hold on to the memory of a chunk', () => {
    const decoder = new EventDecoder();
    const chunk = encoder.encode('{"a":1');
    decoder.push(chunk);
    chunk.fill(0);
    expect(decoder.push(encoder.encode('}'))).toEqual([{ a: 1 }]);
  });
});

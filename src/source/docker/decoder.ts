const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = 0x7b;
const CLOSE = 0x7d;
const NEWLINE = 0x0a;

const utf8 = new TextDecoder();

/** An event is some hundred bytes; what is larger than this is not worth its memory. */
const SIZE_LIMIT = 1024 * 1024;

/** Enough for nearly every event; room that a larger one needed is given back afterwards. */
const USUAL_SIZE = 4096;

/**
 * Cuts a byte stream into JSON objects, wherever the chunks are cut and whatever stands between the objects: engines
 * send newlines, some old ones nothing at all. It looks at bytes only: no byte of a multi-byte UTF-8 character is below
 * 0x80, so a brace or quote is always one, and a character that is cut is whole again before it is decoded.
 *
 * An engine writes no newline inside an object, so a newline ends whatever is broken. Never throws.
 */
export class EventDecoder {
  readonly #limit: number;
  /** The object so far. One buffer and no list of parts: an engine may send an object byte by byte. */
  #kept = new Uint8Array(USUAL_SIZE);
  #size = 0;
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** Inside something that is not an object, until the next newline. */
  #lost = false;
  #skipped = 0;

  constructor(limit = SIZE_LIMIT) {
    this.#limit = limit;
  }

  /** Objects too large, broken, or stretches of bytes that are not JSON. */
  get skipped(): number {
    return this.#skipped;
  }

  push(chunk: Uint8Array): unknown[] {
    const found: unknown[] = [];
    for (let at = 0; at < chunk.length; ) {
      if (this.#depth === 0) at = this.#toObject(chunk, at);
      if (at < chunk.length) at = this.#toEnd(chunk, at, found);
    }
    return found;
  }

  /** Where an object begins, or the end of the chunk. */
  #toObject(chunk: Uint8Array, from: number): number {
    for (let at = from; at < chunk.length; at += 1) {
      const byte = chunk[at];
      if (byte === NEWLINE) this.#lost = false;
      else if (this.#lost || byte === 0x20 || byte === 0x09 || byte === 0x0d) continue;
      else if (byte === OPEN) return at;
      else this.#lose();
    }
    return chunk.length;
  }

  /** After the object that begins at `from` or goes on there. Every byte of every event comes by here: local variables only. */
  #toEnd(chunk: Uint8Array, from: number, found: unknown[]): number {
    let [depth, inString, escaped] = [this.#depth, this.#inString, this.#escaped];
    for (let at = from; at < chunk.length; at += 1) {
      const byte = chunk[at];
      if (byte === NEWLINE) {
        this.#skipped += 1;
        this.#reset();
        return at + 1;
      }
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inString = false;
      } else if (byte === QUOTE) inString = true;
      else if (byte === OPEN) depth += 1;
      else if (byte === CLOSE) {
        depth -= 1;
        if (depth > 0) continue;
        this.#keep(chunk.subarray(from, at + 1));
        this.#emit(found);
        return at + 1;
      }
    }
    [this.#depth, this.#inString, this.#escaped] = [depth, inString, escaped];
    this.#keep(chunk.subarray(from));
    return chunk.length;
  }

  /** Copies, for the caller may use the chunk's memory again. What is over the limit is counted on but not kept. */
  #keep(part: Uint8Array): void {
    const size = this.#size + part.length;
    if (size <= this.#limit) {
      this.#reserve(size);
      this.#kept.set(part, this.#size);
    }
    this.#size = size;
  }

  #reserve(size: number): void {
    if (size <= this.#kept.length) return;
    const larger = new Uint8Array(Math.max(size, Math.min(2 * this.#kept.length, this.#limit)));
    larger.set(this.#kept.subarray(0, this.#size));
    this.#kept = larger;
  }

  #emit(found: unknown[]): void {
    const size = this.#size;
    try {
      if (size > this.#limit) this.#skipped += 1;
      else found.push(JSON.parse(utf8.decode(this.#kept.subarray(0, size))));
    } catch {
      this.#lose();
    }
    this.#reset();
  }

  #lose(): void {
    this.#skipped += 1;
    this.#lost = true;
  }

  #reset(): void {
    if (this.#kept.length > USUAL_SIZE) this.#kept = new Uint8Array(USUAL_SIZE);
    this.#size = 0;
    this.#depth = 0;
    this.#inString = false;
    this.#escaped = false;
  }
}

/** The sizes of the gRPC messages in one direction of one connection, read out of its HTTP/2 frames. */
export class GrpcMeter {
  /** Bytes of each message, in the order of their ends. */
  readonly sizes: number[] = [];
  readonly #streams = new Map<number, MessageReader>();
  #rest: Buffer = Buffer.alloc(0);
  #preface: number;

  /** `fromClient`: a client begins with a preface, which is no frame. */
  constructor({ fromClient = false }: { readonly fromClient?: boolean } = {}) {
    this.#preface = fromClient ? 24 : 0;
  }

  feed(chunk: Buffer): void {
    const skipped = Math.min(this.#preface, chunk.length);
    this.#preface -= skipped;
    this.#rest = Buffer.concat([this.#rest, chunk.subarray(skipped)]);
    for (;;) {
      const length = this.#rest.length < 9 ? Number.POSITIVE_INFINITY : this.#rest.readUIntBE(0, 3);
      if (this.#rest.length < 9 + length) return;
      const type = this.#rest.readUInt8(3);
      const stream = this.#rest.readUInt32BE(5) & 0x7f_ff_ff_ff;
      if (type === 0) this.#data(stream, this.#rest.subarray(9, 9 + length));
      this.#rest = this.#rest.subarray(9 + length);
    }
  }

  #data(stream: number, payload: Buffer): void {
    const reader = this.#streams.get(stream) ?? new MessageReader();
    this.#streams.set(stream, reader);
    reader.feed(payload, (size) => this.sizes.push(size));
  }
}

/** A message is a flag, its length in four bytes, and the message. */
class MessageReader {
  #head: number[] = [];
  #missing = 0;

  feed(payload: Buffer, ended: (size: number) => void): void {
    for (let at = 0; at < payload.length; ) {
      if (this.#head.length < 5) {
        this.#head.push(payload[at] ?? 0);
        at += 1;
        if (this.#head.length < 5) continue;
        this.#missing = Buffer.from(this.#head).readUInt32BE(1);
      } else {
        const taken = Math.min(this.#missing, payload.length - at);
        this.#missing -= taken;
        at += taken;
      }
      if (this.#missing > 0) continue;
      ended(Buffer.from(this.#head).readUInt32BE(1));
      this.#head = [];
    }
  }
}

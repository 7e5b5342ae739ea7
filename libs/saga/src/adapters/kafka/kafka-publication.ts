import { PublishFailed, type Unpublished } from '../../ports/transport.js';
import type { WireMessage } from '../../protocol/wire.js';

/** One call of `publish`, until each of its messages is published or not. */
export class Publication {
  readonly since = Date.now();
  readonly settled: Promise<void>;
  private readonly unpublished: Unpublished[] = [];
  private settle: { resolve(): void; reject(error: Error): void } | undefined;

  constructor(private open: number) {
    this.settled = new Promise((resolve, reject) => (this.settle = { resolve, reject }));
    this.finish(0);
  }

  published(): void {
    this.finish(1);
  }

  failed(unpublished: Unpublished): void {
    this.unpublished.push(unpublished);
    this.finish(1);
  }

  private finish(count: number): void {
    this.open -= count;
    if (this.open > 0) return;
    if (this.unpublished.length > 0) this.settle?.reject(new PublishFailed(this.unpublished));
    else this.settle?.resolve();
  }
}

/** A message on its way, with the call that it belongs to. */
export interface Parcel {
  readonly message: WireMessage;
  readonly bytes: number;
  readonly publication: Publication;
}

/** What Kafka adds to a record and to the batch around a single one, at most. */
const overhead = 100;
const headerOverhead = 10;

/** The size of a message in a batch, rounded up. */
export function sizeOf({ key, headers, value }: WireMessage): number {
  let bytes = overhead + Buffer.byteLength(key) + Buffer.byteLength(value);
  for (const [name, text] of Object.entries(headers))
    bytes += headerOverhead + Buffer.byteLength(name) + Buffer.byteLength(text);
  return bytes;
}

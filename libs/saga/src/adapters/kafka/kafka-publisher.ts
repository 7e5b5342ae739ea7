import { inOwnContext } from '../../ports/own-context.js';
import type { Standing } from '../../ports/transport.js';
import type { WireMessage } from '../../protocol/wire.js';
import { Publication, sizeOf, type Parcel } from './kafka-publication.js';

/** A send makes one batch per partition, and a broker takes no batch over 1 MiB: all of a send may go to one partition. */
const sendBytes = 800_000;
const sendCount = 1_000;

/** Who sends what the publisher has gathered, and says to each publication what became of it. */
export interface Sender {
  send(parcels: readonly Parcel[]): Promise<void>;
  /** From now on nothing is tried a second time. */
  giveUp(): void;
  close(): Promise<void>;
  health(): Standing;
}

/** Gathers what is published while a send is under way and sends it next: one send at a time, in the order of the calls. */
export class KafkaPublisher {
  private waiting: Parcel[] = [];
  private sending: Promise<void> | undefined;
  private readonly mostBytes: number;

  constructor(
    private readonly sender: Sender,
    private readonly maxMessageBytes: number,
  ) {
    this.mostBytes = Math.min(sendBytes, maxMessageBytes);
  }

  async publish(messages: readonly WireMessage[]): Promise<void> {
    const publication = new Publication(messages.length);
    for (const message of messages) this.add(message, publication);
    if (this.waiting.length > 0) this.sending ??= inOwnContext(() => this.sendAll());
    await publication.settled;
  }

  health(): Standing {
    return this.sender.health();
  }

  /** What waits is tried once more. */
  async close(): Promise<void> {
    this.sender.giveUp();
    await this.sending;
    await this.sender.close();
  }

  private add(message: WireMessage, publication: Publication): void {
    const bytes = sizeOf(message);
    if (bytes <= this.maxMessageBytes) this.waiting.push({ message, bytes, publication });
    else
      publication.failed({
        message,
        reason: `its ${bytes} bytes are more than the ${this.maxMessageBytes} of maxMessageBytes`,
        retriable: false,
      });
  }

  private async sendAll(): Promise<void> {
    await Promise.resolve(); // calls of the same turn go out together
    while (this.waiting.length > 0) await this.sender.send(this.take());
    this.sending = undefined;
  }

  private take(): readonly Parcel[] {
    let bytes = 0;
    const over = this.waiting.findIndex(
      (parcel, index) => index === sendCount || (bytes += parcel.bytes) > this.mostBytes,
    );
    return this.waiting.splice(0, over === -1 ? this.waiting.length : Math.max(over, 1));
  }
}

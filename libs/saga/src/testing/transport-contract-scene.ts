import { randomUUID } from 'node:crypto';
import { sleep } from '../ports/own-context.js';
import type { IncomingRecord, Subscription, Transport, TransportFactory } from '../ports/transport.js';
import type { WireMessage } from '../protocol/wire.js';

/** What an adapter brings to its contract. */
export interface TransportHarness {
  readonly factory: TransportFactory;
  /** Put before every topic and group, so that runs on one broker do not meet. */
  readonly prefix?: string;
  /** How long to wait for a record before the contract counts as broken; 30 s unless told. */
  readonly patienceMs?: number;
}

/** The records that a consumer was given, in the order of their arrival. */
export class Inbox {
  readonly records: IncomingRecord[] = [];
  batches = 0;

  take(records: readonly IncomingRecord[]): void {
    this.batches += 1;
    this.records.push(...records);
  }

  get values(): readonly string[] {
    return this.records.map((record) => record.value);
  }

  holds(values: readonly string[]): boolean {
    const held = new Set(this.values);
    return values.every((value) => held.has(value));
  }
}

/** One fact's own topics and groups, and the transports that it opened. */
export class Scene {
  readonly warnings: string[] = [];
  private readonly id = randomUUID().slice(0, 8);
  private readonly opened: Transport[] = [];

  constructor(private readonly harness: TransportHarness) {}

  name(word: string): string {
    return `${this.harness.prefix ?? ''}contract-${this.id}-${word}`;
  }

  open(service = 'contract'): Transport {
    const note = (message: string): void => void this.warnings.push(message);
    const transport = this.harness.factory({ service, logger: { error: note, warn: note, log: () => undefined } });
    this.opened.push(transport);
    return transport;
  }

  message(value: string, topic = 'events'): WireMessage {
    return { topic: this.name(topic), key: `key-${value}`, headers: { ce_id: value }, value };
  }

  messages(count: number, topic = 'events'): readonly WireMessage[] {
    return Array.from({ length: count }, (_, index) => this.message(`${topic}-${index}`, topic));
  }

  /** Subscribes a group that takes everything; `handle` may refuse it first. */
  async consume(transport: Transport, given: Partial<Subscription> = {}): Promise<Inbox> {
    const inbox = new Inbox();
    await transport.subscribe({
      group: this.name(given.group ?? 'group'),
      topics: (given.topics ?? ['events']).map((topic) => this.name(topic)),
      handle: async (records) => {
        await given.handle?.(records);
        inbox.take(records);
      },
    });
    return inbox;
  }

  async until(what: string, condition: () => boolean): Promise<void> {
    const deadline = Date.now() + (this.harness.patienceMs ?? 30_000);
    while (!condition()) {
      if (Date.now() > deadline)
        throw new Error(
          `It did not come true in time that ${what}. The transport said: ${this.warnings.join(' | ') || 'nothing'}`,
        );
      await sleep(5);
    }
  }

  /** Longer than any transport needs to hand over what it has: for what must not happen. */
  quiet(): Promise<void> {
    return sleep(300);
  }

  async end(): Promise<void> {
    await Promise.all(this.opened.map((transport) => transport.close()));
  }
}

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs, { type Admin, type Kafka, type KafkaMessage } from 'kafkajs';

export interface LogRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: string;
}

const readWithinMs = 60_000;

export function kafkaClient(brokers: readonly string[]): Kafka {
  return new kafkajs.Kafka({
    clientId: 'chaos',
    brokers: [...brokers],
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { retries: 12 },
  });
}

export async function asAdmin<T>(client: Kafka, ask: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = client.admin();
  try {
    await admin.connect();
    return await ask(admin);
  } finally {
    await admin.disconnect();
  }
}

/** What a topic holds, from its first offset on. */
export class KafkaLog {
  private readonly records: LogRecord[] = [];
  private readonly next = new Map<number, number>();

  constructor(
    private readonly client: Kafka,
    private readonly topic: string,
  ) {}

  /** All records up to the end that the topic has now; none of a topic that does not exist. */
  async read(): Promise<readonly LogRecord[]> {
    const ends = await this.ends();
    if (this.isBehind(ends)) await this.readUpTo(ends);
    return this.records;
  }

  private async ends(): Promise<ReadonlyMap<number, number>> {
    return asAdmin(this.client, async (admin) => {
      if (!(await admin.listTopics()).includes(this.topic)) return new Map<number, number>();
      const offsets = await admin.fetchTopicOffsets(this.topic);
      return new Map(offsets.map(({ partition, high }) => [partition, Number(high)]));
    });
  }

  private isBehind(ends: ReadonlyMap<number, number>): boolean {
    return [...ends].some(([partition, end]) => (this.next.get(partition) ?? 0) < end);
  }

  private async readUpTo(ends: ReadonlyMap<number, number>): Promise<void> {
    const consumer = this.client.consumer({ groupId: `chaos-reader-${randomUUID()}`, sessionTimeout: 30_000 });
    const { topic } = this;
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: [topic], fromBeginning: true });
      await consumer.run({
        autoCommit: false,
        eachBatch: async ({ batch }) => this.take(batch.partition, batch.messages),
      });
      for (const [partition, offset] of this.next) consumer.seek({ topic, partition, offset: String(offset) });
      const deadline = performance.now() + readWithinMs;
      while (this.isBehind(ends)) {
        if (performance.now() > deadline) throw new Error(`The topic ${topic} could not be read to its end`);
        await sleep(50);
      }
    } finally {
      await consumer.disconnect();
    }
  }

  private async take(partition: number, messages: readonly KafkaMessage[]): Promise<void> {
    for (const message of messages) {
      const offset = Number(message.offset);
      if (offset < (this.next.get(partition) ?? 0)) continue;
      this.next.set(partition, offset + 1);
      this.records.push({ ...textOf(message), topic: this.topic, partition, offset });
    }
  }
}

function textOf({ key, headers, value }: KafkaMessage): Pick<LogRecord, 'key' | 'headers' | 'value'> {
  const texts = Object.entries(headers ?? {}).map(([name, text]) => [name, String(text)]);
  return { key: String(key ?? ''), headers: Object.fromEntries(texts) as Record<string, string>, value: String(value) };
}

import type { ICustomPartitioner, PartitionMetadata, Producer, ProducerBatch, RecordMetadata } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import type { WireMessage } from '../../protocol/wire.js';
import { Publication } from './kafka-publication.js';
import { KafkaSender } from './kafka-sender.js';

const partitionMetadata = Array.from(
  { length: 8 },
  (_, partitionId) => ({ partitionId, leader: 1 }) as PartitionMetadata,
);
const quiet = { error: () => undefined, warn: () => undefined, log: () => undefined };
const anyTopic = { ensure: async () => undefined, doubt: () => undefined };

/** Answers as kafkajs does, or with what the test makes of that. */
class FakeProducers {
  readonly sent: string[][] = [];
  made = 0;
  closed = 0;
  /** How many more are connected and then refused an id. */
  refused = 0;

  constructor(private readonly answers: ((complete: RecordMetadata[]) => RecordMetadata[])[]) {}

  producer(createPartitioner: ICustomPartitioner): Producer {
    this.made += 1;
    const choose = createPartitioner();
    const sendBatch = async ({ topicMessages = [] }: ProducerBatch): Promise<RecordMetadata[]> => {
      this.sent.push(topicMessages.flatMap(({ messages }) => messages.map(({ value }) => String(value))));
      const places = topicMessages.flatMap(({ topic, messages }) =>
        messages.map((message) => `${topic}/${choose({ topic, message, partitionMetadata })}`),
      );
      const complete = [...new Set(places)].map((place) => {
        const [topicName = '', partition] = place.split('/');
        return { topicName, partition: Number(partition), errorCode: 0 };
      });
      return (this.answers.shift() ?? ((answer) => answer))(complete);
    };
    const disconnect = async (): Promise<void> => void (this.closed += 1);
    const connect = async (): Promise<void> => {
      if (this.refused-- > 0) throw new Error('no producer id');
    };
    return { connect, disconnect, sendBatch } as unknown as Producer;
  }
}

function parcelsOf(
  values: string[],
  publication: Publication,
): { message: WireMessage; bytes: number; publication: Publication }[] {
  return values.map((value) => ({
    message: { topic: 'events', key: value, headers: {}, value },
    bytes: 100,
    publication,
  }));
}

const values = Array.from({ length: 30 }, (_, index) => `m${index}`);

async function sendThrough(producers: FakeProducers): Promise<void> {
  const publication = new Publication(values.length);
  await new KafkaSender(producers, anyTopic, quiet, 5_000).send(parcelsOf(values, publication));
  await publication.settled;
}

describe('the sender', () => {
  it('sends everything again through a new producer when a partition is missing in the answer', async () => {
    const producers = new FakeProducers([(complete) => complete.slice(1)]);
    await sendThrough(producers);
    expect(producers.sent).toEqual([values, values]);
    expect([producers.made, producers.closed]).toEqual([2, 1]);
  });

  it('makes a new producer after any error', async () => {
    const fail = (): never => {
      throw new Error('the broker is away');
    };
    const producers = new FakeProducers([fail, fail]);
    await sendThrough(producers);
    expect([producers.made, producers.closed]).toEqual([3, 2]);
  });

  it('closes a producer that connects only halfway, so that no connection is left of each attempt', async () => {
    const producers = new FakeProducers([]);
    producers.refused = 3;
    await sendThrough(producers);
    expect([producers.made, producers.closed]).toEqual([4, 3]);
  });

  it('keeps its producer while all goes well', async () => {
    const producers = new FakeProducers([]);
    const sender = new KafkaSender(producers, anyTopic, quiet, 5_000);
    for (let send = 0; send < 3; send += 1) {
      const publication = new Publication(values.length);
      await sender.send(parcelsOf(values, publication));
      await publication.settled;
    }
    expect([producers.made, producers.sent.length]).toEqual([1, 3]);
  });
});

import kafkajs from 'kafkajs';
import { kafka } from 'nest-saga';
import { DataSource } from 'typeorm';
import { expect, onTestFinished, test } from 'vitest';
import { freshDatabase } from '../support/database.js';
import { describeWithKafka, freshTopicPrefix, kafkaBrokers } from '../support/kafka.js';
import { startedOn } from './database-scene.js';
import { LogLines } from './log-lines.js';
import { Paying } from './paying-steps.js';
import { eventually } from './scene.js';

/** The identifier of a schema, after the byte 0 with which every registry's frame begins. */
const framed = (text: string): Buffer => Buffer.concat([Buffer.from([0, 0, 0, 0, 7]), Buffer.from(text)]);

async function scene() {
  const { Kafka, logLevel } = kafkajs;
  const prefix = freshTopicPrefix();
  const topic = `${prefix}payment.asked`;
  const client = new Kafka({ brokers: kafkaBrokers(), logLevel: logLevel.NOTHING });
  const [admin, producer] = [client.admin(), client.producer()];
  await Promise.all([admin.connect(), producer.connect()]);
  onTestFinished(async () => void (await Promise.all([admin.disconnect(), producer.disconnect()])));
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true });
  const url = await freshDatabase();
  const transport = kafka({ brokers: kafkaBrokers(), createTopics: { partitions: 1, replicationFactor: 1 } });
  return {
    send: async (...values: (string | Buffer | null)[]) =>
      void (await producer.send({ topic, messages: values.map((value) => ({ key: 'acme', value })) })),
    /** The group stands where it stood before any record. */
    rewound: () => admin.setOffsets({ groupId: `${prefix}shop`, topic, partitions: [{ partition: 0, offset: '0' }] }),
    service: (decode?: (record: { readonly bytes: Uint8Array }) => unknown, log = new LogLines()) =>
      startedOn(url, {
        providers: [Paying],
        log,
        saga: { transport, prefix, ...(decode && { outside: { 'payment.asked': { decode } } }) },
      }),
  };
}

const payment = (orderId: string): string => JSON.stringify({ orderId });

describeWithKafka('records of outside events on a real broker', () => {
  const patience = { timeout: 60_000 };

  test('start a saga each, whatever their keys, and none when all of them come again', patience, async () => {
    const { send, rewound, service } = await scene();
    await send(payment('a'), payment('b'), null, payment('a'));
    const app = await service();
    const { asked } = app.get(Paying);
    await eventually(() => expect(asked.map(({ orderId }) => orderId)).toEqual(['a', 'b', 'a']));
    await app.close();
    await rewound();
    const next = await service();
    await send(payment('last'));
    await eventually(() => expect(next.get(Paying).asked).toEqual([{ orderId: 'last' }]));
    const letters = 'SELECT count(*)::integer AS count FROM saga_dead_letter';
    expect(await next.get(DataSource).query(letters)).toEqual([{ count: 0 }]);
  });

  test(
    "in a schema registry's frame are told from plain JSON, and read by what the application says",
    patience,
    async () => {
      const { send, rewound, service } = await scene();
      await send(framed(payment('a')));
      const without = await service();
      const reasons = 'SELECT reason FROM saga_dead_letter';
      await eventually(async () => {
        const looks =
          "it looks like the frame of a schema registry, schema 7; say how it is read with outside: { 'payment.asked': { decode } }";
        const found = await without.get(DataSource).query<{ reason: string }[]>(reasons);
        expect(found).toEqual([{ reason: expect.stringContaining(looks) as string }]);
      });
      await without.close();
      await rewound();
      const app = await service(async ({ bytes }) => JSON.parse(Buffer.from(bytes.subarray(5)).toString()) as unknown);
      await eventually(() => expect(app.get(Paying).asked).toEqual([{ orderId: 'a' }]));
    },
  );
});

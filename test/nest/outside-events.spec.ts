import { Injectable } from '@nestjs/common';
import { SagaStep, inMemory, type TopicNaming } from 'nest-saga';
import { describe, expect, test } from 'vitest';
import type { Transport } from '../../libs/saga/src/ports/transport.js';
import { LogLines } from './log-lines.js';
import { AskedPayment, PaymentAsked, PaymentDone } from './order-saga.js';
import { Paying } from './paying-steps.js';
import { eventually, started } from './scene.js';

/** Another program on the same transport, that knows nothing of sagas. */
class Outside {
  readonly deadLetters: { readonly reason: string; readonly service: string; readonly value: string }[] = [];
  private readonly transport: Transport;

  constructor(readonly factory = inMemory()) {
    this.transport = factory({ service: 'outside', logger: new LogLines() });
  }

  async listen(): Promise<this> {
    await this.transport.subscribe({
      group: 'outside',
      topics: ['saga.dead-letters'],
      handle: async (records) => {
        this.deadLetters.push(...records.map(({ value }) => JSON.parse(value) as (typeof this.deadLetters)[number]));
      },
    });
    return this;
  }

  send(message: {
    topic?: string;
    key?: string;
    headers?: Record<string, string>;
    value?: object | string;
  }): Promise<void> {
    const { topic = 'payment.asked', key = '', headers = {}, value = { orderId: 'o1' } } = message;
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return this.transport.publish([{ topic, key, headers, value: text }]);
  }
}

const cloudEvent = (id: string, source = '/web'): Record<string, string> => ({
  ce_specversion: '1.0',
  ce_id: id,
  ce_source: source,
  ce_type: 'payment.asked',
  'content-type': 'application/json',
});

async function payingOn(outside: Outside, topics?: TopicNaming): Promise<Paying> {
  const app = await started({ providers: [Paying], saga: { transport: outside.factory, ...(topics && { topics }) } });
  return app.get(Paying);
}

describe('a record of an outside event starts a saga', () => {
  test('as a CloudEvent, once however often it comes, and by its source and id', async () => {
    const outside = new Outside();
    const paying = await payingOn(outside);
    for (const id of ['e1', 'e2', 'e1', 'e1']) await outside.send({ headers: cloudEvent(id) });
    await outside.send({ headers: cloudEvent('e1', '/shop') });
    await eventually(() => expect(paying.asked).toHaveLength(3));
    await outside.send({ headers: cloudEvent('e2') });
    await outside.send({ headers: cloudEvent('last') });
    await eventually(() => expect(paying.asked).toHaveLength(4));
    expect(paying.asked[0]).toBeInstanceOf(PaymentAsked);
  });

  test('as a CloudEvent in structured mode, and it is the same event as in binary mode', async () => {
    const outside = new Outside();
    const paying = await payingOn(outside);
    const { ce_id: id, ce_source: source, ce_type: type } = cloudEvent('e1');
    await outside.send({
      headers: { 'content-type': 'application/cloudevents+json; charset=UTF-8' },
      value: { specversion: '1.0', id, source, type, data: { orderId: 'o1' }, correlationid: 'http-7' },
    });
    await outside.send({ headers: cloudEvent('e1') });
    await outside.send({ headers: cloudEvent('last'), value: { orderId: 'last' } });
    await eventually(() => expect(paying.asked.at(-1)).toEqual(new PaymentAsked({ orderId: 'last' })));
    expect(paying.asked[0]).toEqual(new PaymentAsked({ orderId: 'o1' }));
    expect(paying.asked).toHaveLength(2);
    expect(paying.sagas[0]).toMatchObject({ correlationId: 'http-7' });
  });

  test('as plain JSON, each of its own, whatever their keys', async () => {
    const outside = new Outside();
    const paying = await payingOn(outside);
    for (const orderId of ['o1', 'o2', 'o1']) await outside.send({ key: 'acme', value: { orderId } });
    await outside.send({ key: '', value: { orderId: 'o3' } });
    await eventually(() => expect(paying.asked.map(({ orderId }) => orderId)).toEqual(['o1', 'o2', 'o1', 'o3']));
  });

  test('as plain JSON by what the application says of it, and as what it decodes', async () => {
    const outside = new Outside();
    const app = await started({
      providers: [Paying],
      saga: {
        transport: outside.factory,
        outside: {
          'payment.asked': {
            identity: ({ headers }) => headers['id'],
            decode: ({ value }) => JSON.parse(JSON.parse(value) as string) as unknown,
          },
        },
      },
    });
    const send = (id: string, orderId: string): Promise<void> =>
      outside.send({ key: 'acme', headers: { id }, value: JSON.stringify(JSON.stringify({ orderId })) });
    for (const id of ['1', '2', '1']) await send(id, `o${id}`);
    await send('3', 'last');
    const { asked } = app.get(Paying);
    await eventually(() => expect(asked.at(-1)).toEqual(new PaymentAsked({ orderId: 'last' })));
    expect(asked.map(({ orderId }) => orderId)).toEqual(['o1', 'o2', 'last']);
  });

  test.each<[what: string, outside: object, violation: RegExp]>([
    [
      'an event that starts nothing here',
      { 'payment.aksed': {} },
      /outside names "payment\.aksed".*there are "payment\.asked"/,
    ],
    [
      'an option that is none',
      { 'payment.asked': { identify: () => 'a' } },
      /\["payment\.asked"\]\.identify is unknown; there are identity, decode/,
    ],
    ['something that is no function', { 'payment.asked': { decode: 'avro' } }, /decode is no function/],
    ['a list', [], /outside is no object/],
  ])('and an application that says something wrong of it does not start: %s', async (_what, outside, violation) => {
    const starting = started({ providers: [Paying], saga: { outside: outside as never } });
    await expect(starting).rejects.toThrow(violation);
  });

  test.each<[TopicNaming, string]>([
    ['perSaga', 'payment.asked'],
    ['perType', 'payment.asked'],
    ['perDomain', 'payment-events'],
  ])('with topics named %s on topic %s', async (naming, topic) => {
    const outside = new Outside();
    const paying = await payingOn(outside, naming);
    await outside.send({ topic, headers: cloudEvent('e1') });
    await eventually(() => expect(paying.asked).toHaveLength(1));
  });

  test('that waited before the service was there', async () => {
    const outside = new Outside();
    await outside.send({ headers: cloudEvent('e1') });
    const paying = await payingOn(outside);
    await eventually(() => expect(paying.asked).toHaveLength(1));
  });

  test('under the prefix, where there is one', async () => {
    const outside = new Outside();
    const app = await started({ providers: [Paying], saga: { transport: outside.factory, prefix: 'test.' } });
    await outside.send({ topic: 'test.payment.asked', key: 'k1' });
    await eventually(() => expect(app.get(Paying).asked).toHaveLength(1));
  });
});

describe('a record that can start nothing goes to the dead letters with the reason and its bytes', () => {
  const poison: [string, Parameters<Outside['send']>[0], RegExp][] = [
    ['that is no JSON', { key: 'k1', value: '{"orderId":' }, /JSON/],
    ['whose data does not match the schema', { key: 'k1', value: { orderId: 7 } }, /orderId/],
    [
      'whose attributes no database can hold',
      { headers: { ...cloudEvent('e1'), ce_correlationid: 'a\0b' } },
      /attribute "correlationid" holds a null character/,
    ],
    [
      'that is to be a structured CloudEvent and is none',
      { headers: { 'Content-Type': 'application/cloudevents+json' }, value: '[]' },
      /its value is no CloudEvent/,
    ],
    ['whose CloudEvent has no data', { headers: cloudEvent('e1'), value: 'null' }, /expected object|plain object/],
  ];

  test.each(poison)('%s, and the next one is taken', async (_what, message, reason) => {
    const outside = await new Outside().listen();
    const paying = await payingOn(outside);
    await outside.send(message);
    await outside.send({ key: 'good' });
    await eventually(() => expect(paying.asked).toHaveLength(1));
    await eventually(() => expect(outside.deadLetters).toHaveLength(1));
    expect(outside.deadLetters[0]!.reason).toMatch(reason);
    const sent = message.value ?? { orderId: 'o1' };
    expect(Buffer.from(outside.deadLetters[0]!.value, 'base64').toString()).toBe(
      typeof sent === 'string' ? sent : JSON.stringify(sent),
    );
  });
});

describe('a source step that fails on an outside event', () => {
  @Injectable()
  class Failing {
    attempts = 0;
    readonly paid: string[] = [];
    readonly given: PaymentAsked[] = [];

    @SagaStep(AskedPayment.steps.pay)
    pay(asked: PaymentAsked): PaymentDone {
      if (asked.orderId === 'bad') {
        this.attempts += 1;
        this.given.push(asked);
        if (this.attempts < 3) throw new Error('no connection');
      }
      this.paid.push(asked.orderId);
      return new PaymentDone(asked);
    }
  }

  test('is attempted again, with the event, and holds up no other', async () => {
    const outside = new Outside();
    const app = await started({ providers: [Failing], saga: { transport: outside.factory } });
    await outside.send({ key: 'k1', value: { orderId: 'bad' } });
    await outside.send({ key: 'k2', value: { orderId: 'good' } });
    const failing = app.get(Failing);
    await eventually(() => expect(failing.paid).toContain('good'));
    await eventually(() => expect(failing.paid).toContain('bad'));
    expect(failing.attempts).toBe(3);
    expect(failing.given.every((event) => event instanceof PaymentAsked)).toBe(true);
    expect(failing.paid.filter((orderId) => orderId === 'good')).toHaveLength(1);
  });
});

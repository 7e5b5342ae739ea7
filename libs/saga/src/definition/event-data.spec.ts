import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { DomainEvent } from './domain-event.js';

const settled = z.discriminatedUnion('method', [
  z.object({ method: z.literal('card'), last4: z.string() }),
  z.object({ method: z.literal('sepa'), iban: z.string() }),
]);

describe('an event of a union', () => {
  class PaymentSettled extends DomainEvent('payment.settled', settled) {}

  test('has the form that it was given', () => {
    expect(new PaymentSettled({ method: 'sepa', iban: 'DE00' })).toMatchObject({ method: 'sepa', iban: 'DE00' });
  });

  test('takes no other', () => {
    expect(() => new PaymentSettled({ method: 'cash' } as never)).toThrow('payment.settled');
  });
});

describe('a schema of something else than an object is refused where the class is made', () => {
  const valibotText = { kind: 'schema', type: 'string', expected: 'string', message: 'Invalid type' };
  const answering = (answer: unknown): z.ZodType =>
    ({ '~standard': { version: 1, vendor: 'other', validate: () => answer } }) as never;

  test.each([
    ['a text', z.string(), 'string'],
    ['a number', z.number().int().positive(), 'number'],
    ['a word', z.enum(['high', 'low']), '"high" | "low"'],
    ['a list', z.array(z.object({})), 'array'],
    ['a date', z.date(), 'date'],
    ['nothing', z.null(), 'null'],
    ['several texts and numbers', z.union([z.string(), z.number()]), 'string | number'],
    ['a text that may be missing', z.string().optional(), 'string'],
    ['what is always a text', z.string().catch('x'), 'string'],
    ['a text of another library', answering({ issues: [valibotText] }), 'string'],
    [
      'one of two of another library',
      answering({ issues: [{ message: '', expected: '(string | number)' }] }),
      'string | number',
    ],
    [
      'a text in the words of another library',
      answering({ issues: [{ message: '', expected: 'a string or a number', path: [] }] }),
      'string | number',
    ],
  ])('%s', (_, schema, what) => {
    expect(() => DomainEvent('odd', schema as never)).toThrow(
      `Event type "odd" has a schema of ${what}; the data of an event is one object: put it into a field`,
    );
  });

  test.each([
    ['an object with fields', z.object({ a: z.string() })],
    ['a strict object', z.strictObject({ a: z.string() })],
    ['a record', z.record(z.string(), z.number())],
    ['a union', settled],
    ['an object or a text', z.union([z.object({ a: z.string() }), z.string()])],
    ['an intersection', z.intersection(z.object({ a: z.string() }), settled)],
    ['a refined object', z.object({ a: z.string().optional() }).refine(({ a }) => a !== undefined)],
    [
      'one that throws',
      {
        '~standard': {
          version: 1,
          vendor: 'x',
          validate: () => {
            throw new Error('no');
          },
        },
      },
    ],
    ['one that answers later', answering(Promise.resolve({ issues: [] }))],
  ])('%s is none', (_, schema) => {
    expect(DomainEvent('fine', schema as never)).toHaveProperty('type', 'fine');
  });
});

import { describe, expect, test } from 'vitest';
import { SagaError } from './errors.js';
import { onOneLine, reasonOf, shortened } from './reason.js';

const half = '\uD83D';

describe('a reason', () => {
  test('has at most a thousand characters, and says that there were more', () => {
    expect(shortened('x'.repeat(1_000))).toBe('x'.repeat(1_000));
    expect(shortened('x'.repeat(1_001))).toBe(`${'x'.repeat(999)}…`);
    expect(shortened('abcdef', 4)).toBe('abc…');
  });

  test('holds no null character and no half of a pair, also where it was cut', () => {
    expect(shortened(`a\0b${half}c`)).toBe('a\uFFFDb\uFFFDc');
    expect(shortened(`${'x'.repeat(998)}😀yz`)).toBe(`${'x'.repeat(998)}\uFFFD…`);
  });

  test('in a header is on one line', () => {
    expect(onOneLine('one\r\ntwo\u0085\u0000three')).toBe('one two three');
  });
});

describe('whatever is thrown can be told', () => {
  const noText = Object.assign(new Error('x'), { message: 7 });
  const throwing = Object.defineProperty(new Error('x'), 'message', {
    get() {
      throw new Error('never');
    },
  });
  test.each([
    ['an error', new Error('no room'), 'no room'],
    ['a text', 'no room', 'no room'],
    ['nothing', undefined, 'undefined'],
    ['a symbol', Symbol('s'), 'Symbol(s)'],
    ['an error whose message is no text', noText, '7'],
    ['an error whose message throws', throwing, 'cannot be told'],
    ['an object without a prototype', Object.create(null), 'cannot be told'],
  ])('%s', (_, thrown, text) => {
    expect(reasonOf(thrown)).toContain(text);
  });
});

describe('an error is told with what caused it', () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:9'), { code: 'ECONNREFUSED' });
  const nobody = Object.assign(new AggregateError([refused, new Error('connect ECONNREFUSED ::1:9')]), {
    code: 'ECONNREFUSED',
  });
  const circle = new Error('one');
  circle.cause = new Error('two', { cause: circle });
  const violated = Object.assign(new Error('duplicate key value violates unique constraint "account_pkey"'), {
    code: '23505',
    detail: 'Key (iban)=(DE00) already exists.',
    table: 'account',
    constraint: 'account_pkey',
  });
  const wrapped = new SagaError('NO', 'the debit failed: no room', {}, { cause: new Error('no room') });
  class OutOfStock extends Error {}
  const http = {
    message: 'Bad Request Exception',
    getResponse: () => undefined,
    response: { message: ['name must be a string', 'age must be a number'], statusCode: 400 },
  };
  const hidden = Object.defineProperty(new Error('outer'), 'cause', {
    get() {
      throw new Error('never');
    },
  });

  test.each([
    ['a cause', new TypeError('fetch failed', { cause: refused }), `fetch failed; caused by: ${refused.message}`],
    ['a cause that is no error', new Error('no', { cause: 'tired' }), 'no; caused by: tired'],
    [
      'the errors of an aggregate without a message',
      nobody,
      'AggregateError (code ECONNREFUSED); caused by: connect ECONNREFUSED 127.0.0.1:9; caused by: connect ECONNREFUSED ::1:9',
    ],
    ['a circle of causes', circle, 'one; caused by: two'],
    ['a cause that is repeated in the message', wrapped, 'the debit failed: no room'],
    ['a cause that cannot be read', hidden, 'outer'],
    [
      'what Postgres says, without the values of rows',
      violated,
      'duplicate key value violates unique constraint "account_pkey" (code 23505, table account, constraint account_pkey)',
    ],
    ['an HTTP error of Nest with every violation', http, 'name must be a string; age must be a number'],
  ])('%s', (_, thrown, text) => {
    expect(reasonOf(thrown)).toBe(text);
  });

  test.each([
    ['an error without a message', new Error(''), 'Error'],
    ['an error of a class of its own without a message', new OutOfStock(), 'OutOfStock'],
    ['an error whose message is blank', new RangeError(' '), 'RangeError'],
    ['an empty text', '', 'an empty text was thrown'],
    ['null', null, 'null'],
    ['an object', { status: 404 }, '{"status":404}'],
    ['an empty object', {}, 'an object was thrown, which is no error'],
    ['an instance of a class', new Map(), 'an instance of Map was thrown, which is no error'],
    ['an error of another realm', { name: 'Error', message: 'far away' }, 'far away'],
  ])('%s is never told as nothing', (_, thrown, text) => {
    expect(reasonOf(thrown)).toBe(text);
  });

  test('however many and however long they are', () => {
    let error = new Error('x'.repeat(300));
    for (let depth = 0; depth < 50; depth += 1) error = new Error(`${depth} `.repeat(100), { cause: error });
    expect(reasonOf(error)).toHaveLength(1_000);
  });
});

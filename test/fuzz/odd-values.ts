import fc from 'fast-check';

/** What breaks databases, headers, logs and prototypes. */
export const oddTexts: readonly string[] = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\uD83D',
  '\uDE00x',
  'a\r\nce_id: b',
  '\u001B[31m',
  '\u0085\u2028\u202E',
  "'",
  "''; DROP TABLE saga_step; --",
  "\\'; DROP TABLE saga_step; --",
  '\\',
  "E'\\x'",
  '$1',
  '$$; DELETE FROM saga_outbox; $$',
  '{},"NULL"',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'null',
  'undefined',
  'NaN',
  '-1',
  '1e999',
  '9007199254740993',
  '../../etc/passwd',
  'saga.dead-letters',
  '2026-02-30T00:00:00Z',
  '2026-01-01T00:00:00+23:59',
  'x'.repeat(5_000),
  '\u{1F9E8}'.repeat(2_000),
];

export const anyText: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...oddTexts) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
  { weight: 1, arbitrary: fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((c) => String.fromCharCode(c)) }) },
);

/** JSON texts as no serializer would write them. */
export const oddJson: readonly string[] = [
  '',
  'null',
  '[]',
  '"text"',
  '{"a":',
  '{"a":1}{"b":2}',
  '\uFEFF{}',
  '{"a":1e400}',
  '{"a":9007199254740993}',
  '{"a":"\\u0000"}',
  '{"a":"\\ud800"}',
  '{"__proto__":{"polluted":true}}',
  '{"bookingId":"b","__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"toString":1,"valueOf":1}',
  '{"bookingId":{"toString":"x","valueOf":"x"}}',
  `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
  `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`,
  `{"bookingId":"${'x'.repeat(300_000)}"}`,
  `[${'1,'.repeat(50_000)}1]`,
];

/** Anything JSON can hold, with odd keys and texts. */
export const anyJson: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    anyText,
    fc.double(),
    fc.maxSafeInteger(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(anyText, tie('value'), { maxKeys: 4 }),
  ),
})).value;

/** Something that no JSON can hold, or that fights back when it is looked at. */
export const anyHostile: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(undefined, null, Number.NaN, Number.POSITIVE_INFINITY, -0, 2 ** 53, 10n, '', 'text', true),
  fc
    .constantFrom<() => unknown>(
      () => Symbol('s'),
      () => () => 1,
      () => Date,
      () => new Date(Number.NaN),
      () => new Date(0),
      () => new Map([[1, 2]]),
      () => Object.create(null) as object,
      () => cyclic(),
      () => deep(20_000),
      () => throwing('get'),
      () => throwing('ownKeys'),
      () => ({ toJSON: () => 5 }),
      () => ({ toJSON: () => undefined }),
      () => ({
        toJSON() {
          throw new Error('no JSON of me');
        },
      }),
      () => ({ toString: 1, valueOf: 1 }),
      () => Object.defineProperty({}, 'length', { get: () => Number.NaN }),
      () => Array.from({ length: 100_000 }, (_, index) => index),
      () => 'y'.repeat(2_000_000),
      () => Promise.reject(new Error('late')).catch(() => undefined),
    )
    .map((make) => make()),
  anyJson,
);

function cyclic(): object {
  const self: Record<string, unknown> = { bookingId: 'b' };
  self['self'] = self;
  return self;
}

function deep(levels: number): unknown {
  let inner: unknown = 1;
  for (let level = 0; level < levels; level += 1) inner = { inner };
  return inner;
}

/** An object whose every property throws, or that does not even name them; a report can tell of it all the same. */
function throwing(trap: 'get' | 'ownKeys'): object {
  const told = { [fc.toStringMethod]: () => `an object that throws on ${trap}` };
  return new Proxy(told, {
    [trap](target: object, key?: string | symbol) {
      if (key === fc.toStringMethod) return Reflect.get(target, key) as unknown;
      throw new TypeError('do not look at me');
    },
  });
}

import { describe, expect, test } from 'vitest';
import { deepest, misread, unportable } from './portable.js';

const nested = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels));

describe('parsed JSON', () => {
  test.each([
    ['null', 'null'],
    ['plain data', '{"a":[1,-2.5e10,true,null,"text \\ud83d\\ude00"],"b":{"c":{}}}'],
    ['a key named like a property of every object', '{"constructor":"Volvo","toString":1,"prototype":{}}'],
    ['control characters other than null', '"line\\nline\\u0001"'],
    ['as deep as data may be', '['.repeat(deepest) + ']'.repeat(deepest)],
  ])('is portable: %s', (_, json) => {
    expect(unportable(JSON.parse(json))).toBeUndefined();
  });

  test.each([
    ['a null character', '{"a":["b\\u0000"]}', 'a null character'],
    ['a null character in a key', '{"a\\u0000":1}', 'a null character'],
    ['the first half of a pair', '"\\ud83d"', 'half of a surrogate pair'],
    ['the second half of a pair', '{"a":"\\ude00!"}', 'half of a surrogate pair'],
    ['a number beyond all numbers', '[1e400]', 'the number Infinity'],
    ['a key that sets the prototype', '{"a":{"__proto__":{"admin":true}}}', '"__proto__"'],
    ['a key that reaches for the prototype', '[{"constructor":{"prototype":{"admin":true}}}]', '"prototype"'],
    ['too deep', '['.repeat(deepest + 1) + ']'.repeat(deepest + 1), 'over 100 levels'],
  ])('is not portable: %s', (_, json, why) => {
    expect(unportable(JSON.parse(json))).toContain(why);
  });

  test('that is a hundred thousand levels deep is refused like any that is too deep', () => {
    expect(unportable(nested(100_000))).toContain('over 100 levels');
  });
});

describe('a JSON text', () => {
  test.each([
    ['{"id":9007199254740991}'],
    ['{"id":-9007199254740992}'],
    ['[100000000000000000000]'],
    ['[590295810358705700000]'], // 2 ** 69, as JavaScript writes it
    ['[0.12345678901234567890]'],
    ['[1.2345678901234567e+30,12345678901234567890.5]'],
    ['{"card":"4111111111111111111","quoted":"\\"9007199254740993"}'],
    ['{"9007199254740993":1}'],
  ])('is read as it was written: %s', (json) => {
    expect(misread(json)).toBeUndefined();
  });

  test.each([['{"id":9007199254740993}'], ['[-9223372036854775807]'], [`{"a":"\\\\","b":${'9'.repeat(400)}}`]])(
    'would be read as something else: %s',
    (json) => {
      expect(misread(json)).toContain('send it as a text');
    },
  );
});

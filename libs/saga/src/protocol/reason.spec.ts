import { describe, expect, test } from 'vitest';
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

import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { DomainEvent, eventFrom, InvalidEventData } from './domain-event.js';
import { keptEventFrom, outsideEventFrom } from './outside-data.js';

/** Takes whatever it is given, in one field. */
class Anything extends DomainEvent('anything.happened', z.object({ of: z.any() })) {}

class Price {
  readonly currency = 'EUR';
  constructor(readonly cents: number) {}
}

const holed: number[] = [];
holed[2] = 1;

describe('an event whose data would arrive as other data is refused where it is made, with the place and what to do', () => {
  test.each<[what: string, of: unknown, issue: RegExp]>([
    ['a Map', new Map([['vip', true]]), /^of: is a Map, .*Object\.fromEntries/],
    ['a Set', { tags: new Set(['a']) }, /^of\.tags: is a Set, .* send a list/],
    ['a Date', { at: [new Date(0)] }, /^of\.at\.0: is a Date, .* ISO text/],
    ['a BigInt', 10n, /^of: is a BigInt, .* send it as a text/],
    ['a number that is none', Number.NaN, /^of: is NaN, which JSON turns into null/],
    ['a number without end', [1, -Infinity], /^of\.1: is -Infinity/],
    ['undefined in a list', [undefined], /^of\.0: is undefined in a list/],
    ['a list with holes', holed, /^of: is a list with holes/],
    [
      'a list with a name beside its items',
      Object.assign([1], { total: 1 }),
      /^of: is a list with holes, or with more/,
    ],
    ['a list of a class', new (class Stack extends Array<number> {})(2), /^of/],
    ['an instance of a class', { price: new Price(5) }, /^of\.price: is an instance of Price, .* plain object/],
    ['bytes', Buffer.from('a'), /^of: is a Uint8Array/],
    ['an address', new URL('https://example.org'), /^of: is a URL/],
    ['an error', new Error('a'), /^of: is a Error/],
    ['a boxed text', new String('a'), /^of: is a String/],
    ['a function', { total: () => 1 }, /^of\.total: is a function, which JSON leaves out/],
    ['a symbol', Symbol('a'), /^of: is a symbol/],
    ['a field that is named by a symbol', { [Symbol('a')]: 1 }, /^of: has fields named by symbols/],
    ['something that speaks for itself', { toJSON: () => 5 }, /^of\.toJSON: is a function/],
  ])('%s', (_what, of, issue) => {
    const make = () => new Anything({ of });
    expect(make).toThrow(InvalidEventData);
    expect(make).toThrow('Event "anything.happened" would arrive as other data');
    expect(make).toThrow(expect.objectContaining({ issues: [expect.stringMatching(issue)] }));
  });

  test('data in itself, and data too deep to be looked through', () => {
    const inItself: Record<string, unknown> = {};
    inItself['self'] = inItself;
    expect(() => new Anything({ of: inItself })).toThrow(/nested over 200 levels deep, or in itself/);
    let deep: unknown = 1;
    for (let level = 0; level < 50_000; level += 1) deep = { deep };
    expect(() => new Anything({ of: deep })).toThrow(InvalidEventData);
  });

  test.each<[what: string, schema: z.ZodType<object, object>, data: object, issue: RegExp]>([
    [
      'a transformation',
      z.object({ cents: z.number().transform((euros) => euros * 100) }),
      { cents: 3 },
      /^cents: its schema makes 30000 of 300; a schema is applied wherever its event arrives/,
    ],
    [
      'a transformation deep in a list',
      z.object({ lines: z.array(z.object({ sku: z.string().transform((sku) => `sku-${sku}`) })) }),
      { lines: [{ sku: 'a' }] },
      /^lines\.0\.sku: its schema makes "sku-sku-a" of "sku-a"/,
    ],
    [
      'a transformation into a type that its schema does not take',
      z.object({ price: z.string().transform(Number) }),
      { price: '3' },
      /does not take what it has made: .*price: /,
    ],
    [
      'a value made anew whenever it is read',
      z.object({ id: z.any().transform(() => Math.random()) }),
      { id: 1 },
      /^id: its schema makes 0\.\d+ of 0\.\d+/,
    ],
    [
      'a preprocessing that counts',
      z.object({ attempt: z.preprocess((attempt) => (attempt as number) + 1, z.number()) }),
      { attempt: 1 },
      /^attempt: its schema makes 3 of 2/,
    ],
    [
      'a field whose place its schema changes',
      z
        .object({ name: z.string().optional(), first: z.string().optional() })
        .transform(({ name, first }) => ({ first: name ?? 'nobody', was: first })),
      { name: 'Ann' },
      /^first: its schema makes "nobody" of "Ann"/,
    ],
  ])('by its schema: %s', (_what, schema, data, issue) => {
    class Odd extends DomainEvent('odd', schema) {}
    expect(() => new Odd(data)).toThrow(expect.objectContaining({ issues: [expect.stringMatching(issue)] }));
    expect(() => eventFrom(Odd, data)).toThrow(InvalidEventData);
  });
});

describe('an event has the data that others will see', () => {
  class Noted extends DomainEvent(
    'noted',
    z.object({
      text: z.string().trim().toLowerCase(),
      note: z.string().optional(),
      tags: z.array(z.string()).default([]),
      count: z.coerce.number(),
      at: z.coerce.date().optional(),
      any: z.any().optional(),
    }),
  ) {}

  test('after schemas that change nothing twice: trimmed, coerced, filled in, restored from a text', () => {
    const noted = new Noted({ text: ' A ', count: '5', at: new Date(7) });
    expect(noted).toMatchObject({ text: 'a', tags: [], count: 5, at: new Date(7) });
    const arrived = eventFrom(Noted, JSON.parse(JSON.stringify(noted)));
    expect(arrived).toEqual(noted);
    expect(arrived).toHaveProperty('at', new Date(7));
  });

  test('without what is undefined, with 0 for -0, with plain objects for those without a prototype', () => {
    const bare = Object.assign(Object.create(null) as object, { a: -0, b: undefined });
    const noted = new Noted({ text: '', note: undefined, count: -0, any: bare });
    expect(Object.keys(noted)).toEqual(['text', 'tags', 'count', 'any']);
    expect(Object.is(noted.count, 0)).toBe(true);
    expect(noted.any).toStrictEqual({ a: 0 });
  });

  test('wherever its objects were made: a test runner has a realm of its own', () => {
    const of: unknown = runInNewContext('({ list: [{ a: 1 }] })');
    expect(new Anything({ of }).of).toEqual({ list: [{ a: 1 }] });
  });

  test('restored as an instance, where its schema makes one of what JSON has', () => {
    class Amount {
      constructor(readonly text: string) {}
      toJSON(): string {
        return this.text;
      }
    }
    const amount = z
      .union([z.string(), z.instanceof(Amount)])
      .transform((given) => (given instanceof Amount ? given : new Amount(given)));
    class Paid extends DomainEvent('paid', z.object({ amount })) {}
    const paid = new Paid({ amount: '1.50' });
    expect(paid.amount).toEqual(new Amount('1.50'));
    expect(eventFrom(Paid, JSON.parse(JSON.stringify(paid)))).toEqual(paid);
  });
});

describe('an event from outside', () => {
  class Imported extends DomainEvent(
    'price.imported',
    z.object({
      price: z.string().transform((euros) => Math.round(Number(euros) * 100)),
      at: z.coerce.date().optional(),
    }),
  ) {}

  test('is transformed by its schema once, where it comes in, and never when it is taken from where it was kept', () => {
    const imported = outsideEventFrom(Imported, { price: '3.00' });
    expect(imported).toBeInstanceOf(Imported);
    expect({ ...imported }).toEqual({ price: 300 });
    const kept = keptEventFrom(Imported, JSON.parse(JSON.stringify(imported)) as object);
    expect(kept).toBeInstanceOf(Imported);
    expect({ ...kept }).toEqual({ price: 300 });
  });

  test('has its Dates again, where nothing else of it is transformed', () => {
    class Dated extends DomainEvent('dated', z.object({ at: z.coerce.date() })) {}
    const dated = outsideEventFrom(Dated, { at: '2026-01-01T00:00:00.000Z' });
    expect(dated).toHaveProperty('at', new Date('2026-01-01'));
    expect(keptEventFrom(Dated, JSON.parse(JSON.stringify(dated)) as object)).toEqual(dated);
  });

  test('is refused when what its schema makes cannot be kept', () => {
    class Grouped extends DomainEvent(
      'grouped',
      z.object({ by: z.record(z.string(), z.number()).transform((by) => new Map(Object.entries(by))) }),
    ) {}
    expect(() => outsideEventFrom(Grouped, { by: { a: 1 } })).toThrow(
      /cannot be kept as its schema makes it: by: is a Map/,
    );
  });
});

import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineSaga, DomainEvent } from '../../libs/saga/src/definition/index.js';
import { StepPostponed } from '../../libs/saga/src/protocol/errors.js';
import { bind, Ground, Service } from './stage/service.js';

class Began extends DomainEvent('lasting.began', z.object({})) {}
class Ended extends DomainEvent('lasting.ended', z.object({})) {}

const cents = z.object({ cents: z.number().transform((euros) => euros * 100) });
const Counted = defineSaga('counted', { begin: { input: cents, emits: Began }, end: { after: 'begin', emits: Ended } });
const Open = defineSaga('open', { begin: { emits: Began }, end: { after: 'begin', emits: Ended } });

let ground: Ground;
beforeEach(() => void (ground = new Ground()));

describe("a start's input", () => {
  test('is transformed by its schema once, however often the step is attempted', async () => {
    const seen: unknown[] = [];
    const begin = bind(Counted, 'begin', (input: unknown) => {
      seen.push(input);
      if (seen.length < 3) throw new StepPostponed('not yet', 1_000);
      return new Began({});
    });
    const service = await Service.started(ground, [begin]);
    await service.saga.startSaga(Counted, { cents: 3 });
    await ground.clock.advance(5_000);
    expect(seen).toEqual([{ cents: 300 }, { cents: 300 }, { cents: 300 }]);
  });

  test.each<[what: string, input: unknown, why: RegExp]>([
    ['a Date', { at: new Date(0) }, /at: is a Date, .* ISO text/],
    ['a Map in a list', { of: [new Map()] }, /of\.0: is a Map/],
    ['a number that is none', { amount: Number.NaN }, /amount: is NaN/],
    ['what speaks for itself', { price: { cents: 1, toJSON: () => '0.01' } }, /price\.toJSON: is a function/],
    ['a Set itself', new Set([1]), /: is a Set/],
  ])('is refused when JSON would make something else of it: %s', async (_what, input, why) => {
    const service = await Service.started(ground, [bind(Open, 'begin', () => new Began({}))]);
    const starting = service.saga.startSaga(Open, input);
    await expect(starting).rejects.toMatchObject({ code: 'INVALID_START_INPUT', facts: { retriable: false } });
    await expect(starting).rejects.toThrow(why);
    expect(ground.store.commits).toBe(0);
  });

  test('may be an object of a class that is no more than its fields, as a validation pipe makes it', async () => {
    class Line {
      constructor(readonly sku: string) {}
    }
    class Order {
      readonly note = undefined;
      readonly lines = [new Line('lamp')];
    }
    const service = await Service.started(ground, [bind(Open, 'begin', () => new Began({}))]);
    await expect(service.saga.startSaga(Open, new Order(), { key: randomUUID() })).resolves.toMatchObject({
      step: 'done',
    });
  });
});

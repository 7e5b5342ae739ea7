import fc from 'fast-check';
import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineSaga, DomainEvent } from '../../libs/saga/src/definition/index.js';
import { bind, Ground, Service } from '../flow/stage/service.js';
import { eventRecord } from '../flow/stage/records.js';
import { Begun, Ended, Gone, Loose } from './loose-saga.js';
import { anyHostile, anyText } from './odd-values.js';
import { patience, tries } from './tries.js';

/** An event whose data nobody has looked at, with something that speaks for it when it is written. */
function eventWith(value: unknown, toJSON: (() => unknown) | undefined): Gone {
  return Object.assign(new Gone({}), { value }, toJSON && { toJSON });
}

const anyToJson = fc.option(
  fc.constantFrom<() => unknown>(
    () => 5,
    () => undefined,
    () => ['a'],
    () => ({ text: 'a\0b' }),
    () => ({ large: 'x'.repeat(2_000_000) }),
    () => {
      throw new Error('no JSON of me');
    },
    () => ({ sound: true }),
  ),
  { nil: undefined },
);

describe('whatever a step answers', () => {
  test('others can read, or the step is rejected after its attempts', { timeout: patience }, async () => {
    await fc.assert(
      fc.asyncProperty(anyHostile, anyToJson, async (value, toJSON) => {
        const ground = new Ground();
        const service = await Service.started(ground, [bind(Loose, 'go', () => eventWith(value, toJSON))]);
        const sagaId = randomUUID();
        await ground.transport.deliver([eventRecord(Loose, 'begin', 'done', {}, { sagaId })]);
        await ground.clock.advance(60_000);
        const [event, ...more] = ground.transport.events; // which reads them, as others do
        expect(more).toEqual([]);
        expect(['done', 'rejected']).toContain(event?.outcome);
        expect((await service.row(sagaId, 'go'))?.status).toBe(event?.outcome);
        expect(ground.transport.published).toHaveLength(1);
        expect(service.tally.snapshot()).toMatchObject({ deadLettered: 0 });
      }),
      tries(100),
    );
  });

  test('or throws is told in the row, and counted', { timeout: patience }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          anyHostile,
          anyText.map((text) => new Error(text)),
        ),
        async (thrown) => {
          const ground = new Ground();
          const steps = [
            bind(Loose, 'go', () => {
              throw thrown;
            }),
          ];
          const service = await Service.started(ground, steps);
          const sagaId = randomUUID();
          await ground.transport.deliver([eventRecord(Loose, 'begin', 'done', {}, { sagaId })]);
          await ground.clock.advance(60_000);
          expect(ground.transport.events).toMatchObject([{ outcome: 'rejected', cause: { step: 'go' } }]);
          expect(ground.transport.events[0]!.cause!.reason.length).toBeLessThanOrEqual(1_000);
          expect(service.tally.snapshot()).toMatchObject({ retried: 3, handled: 1 });
        },
      ),
      tries(60),
    );
  });
});

describe('an event that others could not take', () => {
  const go = async (answer: () => Gone) => {
    const ground = new Ground();
    await Service.started(ground, [bind(Loose, 'go', answer)], { settings: { maxEventBytes: 1_000 } });
    await ground.transport.deliver([eventRecord(Loose, 'begin', 'done', {})]);
    await ground.clock.advance(60_000);
    return ground.transport.events[0]!.cause!.reason;
  };

  test('because it is too large is refused with its size and what to do', async () => {
    const reason = await go(() => new Gone({ large: 'ü'.repeat(500) }));
    expect(reason).toContain('Step "go" of saga "loose": Event "loose.gone" is too large: it has 1012 bytes as JSON');
    expect(reason).toContain('1000 are the most; keep large data elsewhere');
  });

  test('because a text in it cannot be kept is refused with the reason', async () => {
    expect(await go(() => new Gone({ title: 'a\0b' }))).toContain(
      'Event "loose.gone" cannot be sent: it holds a text with a null character',
    );
  });

  test('because JSON makes something else of it is refused where it is made', async () => {
    class Dated extends DomainEvent('dated.done', z.object({ at: z.date() })) {}
    const Dates = defineSaga('dates', { first: { emits: Dated }, last: { after: 'first', emits: Ended } });
    const ground = new Ground();
    const service = await Service.started(ground, [bind(Dates, 'first', () => new Dated({ at: new Date(0) }))]);
    await expect(service.saga.startSaga(Dates, {})).rejects.toMatchObject({
      code: 'INVALID_EVENT_DATA',
      issues: [expect.stringMatching(/^at: is a Date, .* send its ISO text/)] as unknown,
    });
    expect(ground.store.commits).toBe(0);
  });

  test.each<[what: string, change: (event: object) => object]>([
    ['that was changed after it was made', (event) => Object.assign(event, { id: new Date(0) })],
    ['that was given more than its schema has', (event) => Object.assign(event, { surprise: 1 })],
    ['that has been made to speak for itself', (event) => Object.assign(event, { toJSON: () => ({ id: 'b', of: 7 }) })],
  ])('%s is refused before all of them read other data', async (_what, change) => {
    class Named extends DomainEvent('named.done', z.object({ id: z.any() })) {}
    const Names = defineSaga('names', { first: { emits: Named }, last: { after: 'first', emits: Ended } });
    const ground = new Ground();
    const service = await Service.started(ground, [bind(Names, 'first', () => change(new Named({ id: 'a' })))]);
    await expect(service.saga.startSaga(Names, {})).rejects.toMatchObject({
      code: 'EVENT_NOT_PORTABLE',
      message: expect.stringContaining('what arrives of it is other data') as string,
      facts: { step: 'first', retriable: false },
    });
    expect(ground.store.commits).toBe(0);
  });

  test.each([
    ['a null character', 'a\0b'],
    ['a line', 'a\nb'],
    ['thousands of characters', 'x'.repeat(3_000)],
  ])('because its business key holds %s is refused', async (_, id) => {
    const Keyed = defineSaga(
      'keyed',
      { first: { emits: Begun }, last: { after: 'first', emits: Ended } },
      { partitionBy: 'id' },
    );
    const service = await Service.started(new Ground(), [bind(Keyed, 'first', () => new Begun({ id }))]);
    await expect(service.saga.startSaga(Keyed, {})).rejects.toMatchObject({
      code: expect.stringMatching(/^(INVALID_PARTITION_KEY|EVENT_NOT_PORTABLE)$/) as string,
    });
  });
});

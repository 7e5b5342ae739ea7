import fc from 'fast-check';
import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { Booking, CardCharged, CardRefunded } from './stage/booking.js';
import { confirmRefused, reserved } from './stage/charging.js';
import { ada, Desk } from './stage/desk.js';
import { bind, Ground, Service } from './stage/service.js';

const ground = new Ground();
let desk: Desk;
let sagaId: string;

beforeAll(async () => {
  const undo = (): CardRefunded => {
    throw new Error('the bank is away');
  };
  const charge = bind(Booking, 'charge', () => new CardCharged({ bookingId: 'b-1' }), { undo });
  const service = await Service.started(ground, [charge], { name: 'payments' });
  desk = new Desk(service);
  sagaId = randomUUID();
  await ground.transport.deliver([reserved(sagaId)]);
  await ground.transport.deliver([confirmRefused(sagaId)]);
  await ground.clock.advance(120_000);
});

const target = () => ({ sagaId, step: 'charge' });

/** [what is wrong, code, part of the message, what is said] */
const wrong: readonly (readonly [string, string, string, () => Promise<unknown>])[] = [
  ['nobody says it', 'INVALID_ACTOR', 'the actor (who says it) is missing', () => desk.operator.redrive({ ...target(), ...ada, actor: '' })],
  ['blanks say it', 'INVALID_ACTOR', 'is missing', () => desk.operator.waive({ ...target(), ...ada, actor: ' \t ' })],
  ['no text says it', 'INVALID_ACTOR', 'is missing', () => desk.operator.waive({ ...target(), ...ada, actor: { $ne: 1 } as never })],
  ['somebody says it on two lines', 'INVALID_ACTOR', 'control characters', () => desk.operator.redrive({ ...target(), ...ada, actor: 'ada\r\nce_sagaoutcome: done' })],
  ['a null character says it', 'INVALID_ACTOR', 'control characters', () => desk.operator.redrive({ ...target(), ...ada, actor: 'a\0' })],
  ['half a character says it', 'INVALID_ACTOR', 'control characters', () => desk.operator.redrive({ ...target(), ...ada, actor: 'a\ud83d' })],
  ['a novel says it', 'INVALID_ACTOR', 'at most 200', () => desk.operator.redrive({ ...target(), ...ada, actor: 'x'.repeat(201) })],
  ['no reason is given', 'INVALID_REASON', 'the reason is missing', () => desk.operator.redrive({ ...target(), actor: 'ada', reason: '' })],
  ['the reason is a novel', 'INVALID_REASON', 'at most 1000', () => desk.operator.redrive({ ...target(), actor: 'ada', reason: 'x'.repeat(1_001) })],
  ['the saga id is none', 'INVALID_SAGA_ID', 'is not a saga id', () => desk.operator.redrive({ sagaId: "' OR 1=1 --", step: 'charge', ...ada })],
  ['the saga id is missing', 'INVALID_SAGA_ID', 'is not a saga id', () => desk.operator.redrive({ step: 'charge', ...ada } as never)],
  ['the saga is unknown', 'SAGA_NOT_FOUND', 'has no part in a saga', () => desk.operator.redrive({ sagaId: randomUUID(), step: 'charge', ...ada })],
  ['the step is unknown', 'STEP_NOT_HERE', 'does not implement a step "chrage"', () => desk.operator.redrive({ sagaId, step: 'chrage', ...ada })],
  ['the step is another service\'s', 'STEP_NOT_HERE', 'ask the service that does', () => desk.operator.redrive({ sagaId, step: 'confirm', ...ada })],
  ['the step is a prototype', 'STEP_NOT_HERE', '__proto__', () => desk.operator.redrive({ sagaId, step: '__proto__', ...ada })],
  ['the step is no name', 'INVALID_STEP', 'give the name of a step', () => desk.operator.redrive({ sagaId, step: 7 as never, ...ada })],
  ['the letter is no id', 'INVALID_LETTER_ID', 'that is a UUID', () => desk.operator.redrive({ letterId: '7', ...ada })],
  ['the letter is unknown', 'LETTER_NOT_FOUND', 'has no dead letter', () => desk.operator.redrive({ letterId: randomUUID(), ...ada })],
  ['it is resolved as something', 'INVALID_RESOLUTION', 'done, notDone, compensated, not as "fine"', () => desk.operator.resolve({ ...target(), as: 'fine' as never, ...ada })],
  ['it is done without an event', 'EVENT_MISSING', 'give the data of its event "card.charged"', () => desk.operator.resolve({ ...target(), as: 'done', ...ada })],
  ['the event lacks a field', 'INVALID_EVENT_DATA', 'Event "card.refunded" does not match its schema: why:', () => desk.operator.resolve({ ...target(), as: 'compensated', event: { bookingId: 'b-1' }, ...ada })],
  ['the event is no object', 'INVALID_EVENT_DATA', 'does not match its schema', () => desk.operator.resolve({ ...target(), as: 'compensated', event: [] as never, ...ada })],
  ['a saga is looked into by no id', 'INVALID_SAGA_ID', 'is not a saga id', () => desk.operator.inspect('*')],
  ['an unknown saga is looked into', 'SAGA_NOT_FOUND', 'has no part in a saga', () => desk.operator.inspect(randomUUID())],
  ['letters of no kind are listed', 'INVALID_FILTER', 'it is one of compensation, undecided', () => desk.operator.deadLetters({ kind: 'x' as never })],
  ['letters of no state are listed', 'INVALID_FILTER', 'open or settled', () => desk.operator.deadLetters({ state: 'x' as never })],
  ['too many letters are listed', 'INVALID_FILTER', 'ask for 1 to 1000', () => desk.operator.deadLetters({ limit: 1_001 })],
  ['half a letter is listed', 'INVALID_FILTER', 'ask for 1 to 1000', () => desk.operator.deadLetters({ limit: 0.5 })],
]; // prettier-ignore

describe('a word that is not taken is answered with what is wrong, and changes nothing', () => {
  it.each(wrong)('%s', async (_, code, message, say) => {
    const before = await ground.store.find(sagaId);
    await expect(say()).rejects.toMatchObject({
      name: 'SagaError',
      code,
      message: expect.stringContaining(message) as string,
      facts: { retriable: false },
    });
    expect(await ground.store.find(sagaId)).toEqual(before);
    expect(await desk.words(sagaId)).toEqual([]);
  });

  it('whatever it is made of: a SagaError, no other error and no change', async () => {
    const anything = fc.oneof(
      fc.anything(),
      fc.string({ unit: 'binary' }),
      fc.constant(randomUUID()),
      fc.constant('charge'),
    );
    const anyWord = fc.record(
      {
        sagaId: anything,
        step: anything,
        letterId: anything,
        as: anything,
        event: anything,
        actor: anything,
        reason: anything,
      },
      { requiredKeys: [] },
    );
    const before = await ground.store.find(sagaId);
    const verb = fc.constantFrom('redrive', 'resolve', 'waive' as const);
    await fc.assert(
      fc.asyncProperty(verb, fc.oneof(anyWord, fc.anything()), async (said, word) => {
        const ended = await desk.operator[said as 'resolve'](word as never).catch((error: unknown) => error);
        expect(ended).toMatchObject({ name: 'SagaError', facts: { retriable: false } });
      }),
      { numRuns: 500, seed: 3 },
    );
    expect(await ground.store.find(sagaId)).toEqual(before);
  });

  it('and one of any printable text is kept as it was said', async () => {
    const odd = `'; DROP TABLE saga_audit; -- O"Neill \\ 起動 🚀 {{x}} \${y} <script>`;
    await desk.operator.waive({ ...target(), actor: odd, reason: odd });
    expect(await ground.store.audit.list({ sagaId, limit: 1 })).toMatchObject([{ actor: odd, reason: odd }]);
    await ground.clock.advance(1);
    expect(ground.transport.events.at(-1)).toMatchObject({
      waivedBy: odd,
      data: { reason: `waived by ${odd}: ${odd}` },
    });
  });
});

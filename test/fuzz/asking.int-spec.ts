import type { TestingModule } from '@nestjs/testing';
import fc from 'fast-check';
import { randomUUID } from 'node:crypto';
import { SagaError, SagaOperator, Sagas, SagaStep, SagaTrackerModule, SemanticLocks } from 'nest-saga';
import { expect, test } from 'vitest';
import { Order, Payment, PaymentDone } from '../nest/order-saga.js';
import { allSteps } from '../nest/order-steps.js';
import { startedOn } from '../nest/database-scene.js';
import { freshDatabase } from '../support/database.js';
import { anyHostile, anyText } from './odd-values.js';
import { patience, tries } from './tries.js';

type Ask = (given: never) => Promise<unknown>;

const said = { actor: 'ada', reason: 'a test' };
const holder = { sagaId: randomUUID(), step: 'pay' } as never;
const done = new PaymentDone({ orderId: 'o1' });

class Paying {
  @SagaStep(Payment.steps.pay)
  pay(): PaymentDone {
    return done;
  }
}

const service = async (): Promise<TestingModule> =>
  startedOn(await freshDatabase(), { providers: [...allSteps, Paying], imports: [SagaTrackerModule] });

/** Everything that an application may be asked, with one thing that may be anything. */
function questionsTo(app: TestingModule): readonly (readonly [string, Ask])[] {
  const [sagas, operator, locks] = [app.get(Sagas), app.get(SagaOperator), app.get(SemanticLocks)];
  return [
    ['start: saga', (saga) => sagas.start(saga, {} as never)],
    ['start: input', (input) => sagas.start(Order, input)],
    ['start: options', (options) => sagas.start(Payment, {}, options)],
    ['start: key', (key) => sagas.start(Payment, {}, { key })],
    ['status', (sagaId) => sagas.status(sagaId)],
    ['settled', (sagaId) => sagas.settled(sagaId, { timeout: 0 })],
    ['settled: timeout', (options) => sagas.settled(randomUUID(), options)],
    ['abortOutcome', (sagaId) => sagas.abortOutcome(sagaId, { timeout: 0 })],
    ['requestAbort', (sagaId) => sagas.requestAbort(sagaId, 'a test')],
    ['requestAbort: reason', (reason) => sagas.requestAbort(randomUUID(), reason)],
    ['signal', (sagaId) => sagas.signal(sagaId, Payment.steps.pay as never, done)],
    ['signal: step', (step) => sagas.signal(randomUUID(), step, done as never)],
    ['signal: event', (event) => sagas.signal(randomUUID(), Payment.steps.pay as never, event)],
    ['deadLetters', (filter) => operator.deadLetters(filter)],
    ['inspect', (sagaId) => operator.inspect(sagaId)],
    ['redrive', (word) => operator.redrive(word)],
    ['resolve', (word) => operator.resolve(word)],
    ['waive: step', (step) => operator.waive({ sagaId: randomUUID(), step, ...said })],
    ['abort', (word) => operator.abort(word)],
    ['abort: saga', (sagaId) => operator.abort({ sagaId, ...said })],
    ['acquire: resource', (resource) => locks.acquire(holder, resource, { onHeld: 'wait' })],
    ['acquire: onHeld', (options) => locks.acquire(holder, 'order:1', options)],
    ['acquire: saga', (saga) => locks.acquire(saga, 'order:1', { onHeld: 'wait' })],
    ['release: saga', (saga) => locks.release(saga)],
    ['release: resource', (resource) => locks.release(holder, resource)],
    ['release', (saga) => locks.release({ sagaId: saga })],
    ['holder', (resource) => locks.holder(resource)],
  ];
}

/** One of what only fights back when it is looked at: nothing can be said of it. */
const isFightingBack = (error: unknown): boolean => /do not look at me|no JSON of me/.test(String(error));

test(
  'whatever sagas, an operator or locks are asked with is answered, or refused with a code and a short message',
  { timeout: patience },
  async () => {
    const app = await service();
    const questions = questionsTo(app);
    const any = fc.oneof(
      anyHostile,
      anyText,
      fc.constantFrom<unknown>(randomUUID(), Order, Order.steps.place, Payment, done),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...questions), any, async ([, ask], given) => {
        const error = await ask(given as never).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        if (error === undefined || isFightingBack(error)) return;
        expect(error).toBeInstanceOf(SagaError);
        expect(error).toMatchObject({ code: expect.stringMatching(/^[A-Z_]+$/) as string });
        expect((error as SagaError).message).toMatch(/^.{10,900}$/s);
      }),
      tries(400),
    );
    expect((await app.get(Sagas).start(Payment, {})).step).toBe('done');
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  },
);

test.each<[string, (app: TestingModule) => Promise<unknown>, string]>([
  [
    'a key in the place of options',
    (app) => app.get(Sagas).start(Payment, {}, 'k-1' as never),
    'INVALID_START_OPTIONS',
  ],
  ['no step', (app) => app.get(Sagas).signal(randomUUID(), undefined as never, done as never), 'NO_STEP'],
  ['a saga for a step', (app) => app.get(Sagas).signal(randomUUID(), Payment as never, done as never), 'NO_STEP'],
  [
    'no event',
    (app) => app.get(Sagas).signal(randomUUID(), Payment.steps.pay as never, 'x'.repeat(1_000_000) as never),
    'INVALID_SIGNAL',
  ],
  ['letters of nothing', (app) => app.get(SagaOperator).deadLetters(null as never), 'INVALID_FILTER'],
  ['a lock of nothing', (app) => app.get(SemanticLocks).holder(undefined as never), 'INVALID_RESOURCE'],
  ['a lock of half a character', (app) => app.get(SemanticLocks).holder('\uD83D'), 'INVALID_RESOURCE'],
  [
    'a lock that knows no way out',
    (app) => app.get(SemanticLocks).acquire(holder, 'order:1', {} as never),
    'INVALID_ON_HELD',
  ],
])('%s: refused', async (_what, ask, code) => {
  await expect(ask(await service())).rejects.toMatchObject({ name: 'SagaError', code });
});

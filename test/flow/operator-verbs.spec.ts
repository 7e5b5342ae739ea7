import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import type { OperatorAnswer } from '../../libs/saga/src/flow/operate/operation.js';
import type { FenceRow } from '../../libs/saga/src/ports/fence-row.js';
import { untouched } from '../../libs/saga/src/protocol/step-state.js';
import { Booking, CardCharged, CardRefunded, MailSent, Payment } from './stage/booking.js';
import { ada, bob, Desk } from './stage/desk.js';
import { bind, Ground, Service } from './stage/service.js';

let ground: Ground;
let desk: Desk;

beforeEach(() => {
  ground = new Ground();
  ground.transport.down = new Error('the broker is away'); // what is emitted stays in the outbox
  const done = { bookingId: 'b-1' };
  const refund = (): CardRefunded => new CardRefunded({ ...done, why: '' });
  const service = new Service(ground, [
    bind(Booking, 'charge', () => new CardCharged(done), { undo: refund }),
    bind(Booking, 'mail', () => new MailSent(done)),
    bind(Payment, 'pay', () => Promise.reject(new Error('never called')), { undo: refund }),
  ]);
  desk = new Desk(service);
});

const result = { type: 'card.charged', data: { bookingId: 'b-1' } };
const word = (verb: 'redrive' | 'resolve' | 'waive') => ({ verb, actor: 'bob', redriven: verb === 'redrive' ? 1 : 0 });

/** A step in every situation that it can be in. */
const situations = {
  'has no row': { step: 'charge', row: undefined },
  waits: { step: 'charge', row: { status: 'none' } },
  'is attempted again later': { step: 'charge', row: { status: 'running', attempts: 1, dueIn: 4_000 } },
  'is due': { step: 'charge', row: { status: 'running', dueIn: 0 } },
  'must be done, and waits': { step: 'mail', row: { status: 'running', attempts: 9, dueIn: 60_000 } },
  'works outside': { step: 'pay', row: { status: 'running', attempts: 1, dueIn: 30_000 } },
  'is parked outside': { step: 'pay', row: { status: 'running', attempts: 4 } },
  'is done': { step: 'charge', row: { status: 'done', result } },
  'was resolved as done': {
    step: 'charge',
    row: { status: 'done', result, operated: { ...word('resolve'), as: 'done' } },
  },
  'is being undone': { step: 'charge', row: { status: 'compensating', result, attempts: 2, dueIn: 2_000 } },
  'is a dead letter': { step: 'charge', row: { status: 'deadLettered', result, attempts: 4 } },
  'is redriven': { step: 'charge', row: { status: 'compensating', result, dueIn: 0, operated: word('redrive') } },
  'was redriven and undone': { step: 'charge', row: { status: 'compensated', result, operated: word('redrive') } },
  'is undone': { step: 'charge', row: { status: 'compensated', result } },
  'was resolved as undone': {
    step: 'charge',
    row: { status: 'compensated', result, operated: { ...word('resolve'), as: 'compensated' } },
  },
  'was waived': { step: 'charge', row: { status: 'compensated', result, operated: word('waive') } },
  'is rejected': { step: 'charge', row: { status: 'rejected' } },
  'was resolved as not done': {
    step: 'charge',
    row: { status: 'rejected', operated: { ...word('resolve'), as: 'notDone' } },
  },
  'is cancelled': { step: 'charge', row: { status: 'cancelled' } },
} satisfies Record<string, { readonly step: string; readonly row: Partial<FenceRow> | undefined }>;

type Situation = keyof typeof situations;

async function standing(situation: Situation): Promise<{ sagaId: string; step: string }> {
  const { step, row } = situations[situation];
  const saga = step === 'pay' ? Payment : Booking;
  const sagaId = randomUUID();
  const headers = { sagaId, sagaType: saga.name, sagaVersion: 1, correlationId: sagaId, partitionKey: sagaId };
  const bare = { sagaId, ...untouched, headers, inputs: {}, attempts: 0, version: 0 };
  const rows = [{ ...bare, step: 'other' }, ...(row ? [{ ...bare, step, ...(row as Partial<FenceRow>) }] : [])];
  await ground.store.transaction([], (transaction) => transaction.save({ rows, staged: [], published: [] }));
  return { sagaId, step };
}

const event = { pay: { bookingId: 'b-1' }, charge: { bookingId: 'b-1' }, mail: { bookingId: 'b-1' } };
type Target = { readonly sagaId: string; readonly step: string };
const verbs = {
  redrive: (target: Target) => desk.operator.redrive({ ...target, ...ada }),
  done: (target: Target) =>
    desk.operator.resolve({ ...target, as: 'done', event: event[target.step as keyof typeof event], ...ada }),
  notDone: (target: Target) => desk.operator.resolve({ ...target, as: 'notDone', ...ada }),
  compensated: (target: Target) => desk.operator.resolve({ ...target, as: 'compensated', ...ada }),
  waive: (target: Target) => desk.operator.waive({ ...target, ...ada }),
} satisfies Record<string, (target: Target) => Promise<OperatorAnswer>>;

type Verb = keyof typeof verbs;

const [a, s, r] = ['applied', 'alreadyApplied', 'refused'] as const;

/** What each verb comes to, and where an applied one leaves the step. */
const answers: Readonly<Record<Situation, Readonly<Record<Verb, readonly [verdict: string, status?: string]>>>> = {
  'has no row': { redrive: [r], done: [r], notDone: [r], compensated: [r], waive: [r] },
  waits: { redrive: [r], done: [r], notDone: [r], compensated: [r], waive: [r] },
  'is attempted again later': {
    redrive: [a, 'running'],
    done: [a, 'done'],
    notDone: [a, 'rejected'],
    compensated: [r],
    waive: [r],
  },
  'is due': { redrive: [s], done: [a, 'done'], notDone: [a, 'rejected'], compensated: [r], waive: [r] },
  'must be done, and waits': {
    redrive: [a, 'running'],
    done: [a, 'done'],
    notDone: [a, 'running'],
    compensated: [r],
    waive: [r],
  },
  'works outside': { redrive: [s], done: [a, 'done'], notDone: [r], compensated: [r], waive: [r] },
  'is parked outside': {
    redrive: [a, 'running'],
    done: [a, 'done'],
    notDone: [a, 'rejected'],
    compensated: [r],
    waive: [r],
  },
  'is done': { redrive: [r], done: [r], notDone: [r], compensated: [r], waive: [r] },
  'was resolved as done': { redrive: [r], done: [s], notDone: [r], compensated: [r], waive: [r] },
  'is being undone': { redrive: [a, 'compensating'], done: [r], notDone: [r], compensated: [r], waive: [r] },
  'is a dead letter': {
    redrive: [a, 'compensating'],
    done: [r],
    notDone: [r],
    compensated: [a, 'compensated'],
    waive: [a, 'compensated'],
  },
  'is redriven': { redrive: [s], done: [r], notDone: [r], compensated: [r], waive: [r] },
  'was redriven and undone': { redrive: [s], done: [r], notDone: [r], compensated: [r], waive: [r] },
  'is undone': { redrive: [r], done: [r], notDone: [r], compensated: [r], waive: [r] },
  'was resolved as undone': { redrive: [r], done: [r], notDone: [r], compensated: [s], waive: [r] },
  'was waived': { redrive: [r], done: [r], notDone: [r], compensated: [r], waive: [s] },
  'is rejected': { redrive: [r], done: [r], notDone: [r], compensated: [r], waive: [r] },
  'was resolved as not done': { redrive: [r], done: [r], notDone: [s], compensated: [r], waive: [r] },
  'is cancelled': { redrive: [r], done: [r], notDone: [r], compensated: [r], waive: [r] },
};

const cases = (Object.keys(answers) as Situation[]).flatMap((situation) =>
  (Object.keys(verbs) as Verb[]).map((verb) => {
    const [verdict, status] = answers[situation][verb];
    return { situation, verb, verdict, status };
  }),
);

const rowOf = async ({ sagaId, step }: Target): Promise<FenceRow | undefined> =>
  (await ground.store.find(sagaId)).find((row) => row.step === step);

describe('every verb has a definite answer, and an entry in the audit, for a step that', () => {
  it.each(cases)('$situation: $verb is $verdict', async ({ situation, verb, verdict, status }) => {
    const target = await standing(situation);
    const before = await rowOf(target);
    const answer = await verbs[verb](target);
    const after = await rowOf(target);
    expect(answer).toMatchObject({ verdict, ...target, because: expect.stringMatching(/\w/) as string });
    expect(answer.status).toBe(after?.status ?? 'none');
    expect(after?.status).toBe(verdict === 'applied' ? status : before?.status);
    expect(JSON.stringify(after) !== JSON.stringify(before)).toBe(verdict === 'applied');
    expect(await ground.store.audit.list({ sagaId: target.sagaId, limit: 9 })).toMatchObject([
      { ...target, actor: 'ada', reason: 'the bank is back', verdict, because: answer.because },
    ]);
    const staged = (await ground.store.outbox.backlog()).size;
    const tells = after?.status !== before?.status && after?.status !== 'compensating';
    expect(staged).toBe(tells ? 1 : 0);
  });

  it.each(cases.filter(({ verdict }) => verdict === 'applied'))(
    '$situation: $verb that is said again changes nothing, and is not refused',
    async ({ situation, verb }) => {
      const target = await standing(situation);
      await verbs[verb](target);
      const [before, staged] = [await rowOf(target), await ground.store.outbox.backlog()];
      expect(await verbs[verb](target)).toMatchObject({ verdict: 'alreadyApplied' });
      expect(await rowOf(target)).toEqual(before);
      expect(await ground.store.outbox.backlog()).toEqual(staged);
      expect(await desk.words(target.sagaId)).toHaveLength(2);
    },
  );

  it.each(cases.filter(({ verdict }) => verdict === 'applied'))(
    '$situation: of two who say $verb at once one is told that it is applied',
    async ({ situation, verb }) => {
      const target = await standing(situation);
      const answered = await Promise.all([verbs[verb](target), verbs[verb](target)]);
      expect(answered.map(({ verdict }) => verdict).toSorted()).toEqual(['alreadyApplied', 'applied']);
    },
  );

  const pairs = (['redrive', 'compensated', 'waive'] as const).flatMap((one) =>
    (['redrive', 'compensated', 'waive'] as const).filter((other) => other !== one).map((other) => ({ one, other })),
  );
  it.each(pairs)(
    'is a dead letter: of $one and $other at once the first is applied and the second refused',
    async ({ one, other }) => {
      const target = await standing('is a dead letter');
      const [first, second] = await Promise.all([verbs[one](target), verbs[other](target)]);
      expect([first.verdict, second.verdict]).toEqual(['applied', 'refused']);
      expect(second.because).toMatch(/ada said/);
    },
  );

  it('is told apart from another saga with the same step', async () => {
    const [one, other] = [await standing('is a dead letter'), await standing('is a dead letter')];
    await desk.operator.waive({ ...one, ...bob });
    expect(await rowOf(other)).toMatchObject({ status: 'deadLettered' });
    expect(await desk.words(other.sagaId)).toEqual([]);
  });
});

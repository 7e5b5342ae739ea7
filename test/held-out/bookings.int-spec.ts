import type { TestingModule } from '@nestjs/testing';
import { SagaOperator, SagaTracker, SagaTrackerModule, Sagas, inMemory, type TrackedSaga } from 'nest-saga';
import { DataSource } from 'typeorm';
import { beforeEach, describe, expect, test } from 'vitest';
import { startedOn } from '../nest/database-scene.js';
import { eventually } from '../nest/scene.js';
import { freshDatabase } from '../support/database.js';
import { Trip, TripApproved, TripSteps } from './bookings.js';

let url: string;
let app: TestingModule;
let steps: TripSteps;
const transport = inMemory();

async function restarted(): Promise<void> {
  const faults = steps?.faults;
  await app?.close();
  app = await startedOn(url, {
    imports: [SagaTrackerModule],
    providers: [TripSteps],
    saga: {
      transport,
      circuit: 'off',
      retry: { retries: 400, firstDelay: 5, maxDelay: 50 },
      settings: { lease: 500, sweepEvery: 200 },
      retention: { keep: 60_000, margin: 0, every: 200, batchSize: 50 },
    },
  });
  steps = app.get(TripSteps);
  for (const [name, fault] of faults ?? []) steps.faults.set(name, fault);
}

beforeEach(async () => {
  url = await freshDatabase();
  await restarted();
  steps.faults.clear();
});

const query = <Row>(text: string): Promise<Row[]> => app.get(DataSource).query<Row[]>(text);
const notes = async (): Promise<readonly string[]> =>
  (await query<{ text: string }>('SELECT text FROM note ORDER BY id')).map(({ text }) => text);
const begun = async (legs: readonly string[], vip = false): Promise<string> =>
  (await app.get(Sagas).start(Trip, { legs: [...legs], vip })).sagaId;
const stepIs = (sagaId: string, step: string, status: string): Promise<void> =>
  eventually(async () =>
    expect(await query(`SELECT step, status FROM saga_step WHERE saga_id = '${sagaId}' AND step = '${step}'`)).toEqual([
      { step, status },
    ]),
  );
const approved = async (sagaId: string): Promise<void> => {
  await eventually(async () =>
    expect(await app.get(Sagas).signal(sagaId, Trip.steps.approve, new TripApproved({ by: 'ann' }))).toMatchObject({
      accepted: true,
    }),
  );
};
const becomes = async (sagaId: string, status: string): Promise<TrackedSaga> => {
  await eventually(async () => expect((await app.get(SagaTracker).find(sagaId))?.status).toBe(status));
  return (await app.get(SagaTracker).find(sagaId))!;
};
const onTheDesk = (sagaId: string): Promise<void> => stepIs(sagaId, 'approve', 'running');
/** As if so much time had passed for a timer. */
const due = (sagaId: string, step: string, kind: string): Promise<unknown> =>
  query(`UPDATE saga_timer SET due_at = now() WHERE saga_id = '${sagaId}' AND step = '${step}' AND kind = '${kind}'`);
const settledRows = (sagaId: string): Promise<void> =>
  eventually(async () => {
    expect(await query(`SELECT step FROM saga_step WHERE saga_id = '${sagaId}' AND settled_at IS NULL`)).toEqual([]);
    expect(await query('SELECT 1 FROM saga_timer')).toEqual([]);
    expect(await query('SELECT 1 FROM saga_lock')).toEqual([]);
    expect(await query('SELECT 1 FROM saga_outbox')).toEqual([]);
  });

describe.each([true, false])('a trip, vip %s', (vip) => {
  test.each([0, 1, 7])('of %i legs is approved by a person and leaves nothing open', async (width) => {
    const names = Array.from({ length: width }, (_, index) => `l${index}`);
    const sagaId = await begun(names, vip);
    await approved(sagaId);
    const saga = await becomes(sagaId, 'completed');
    expect(saga).toMatchObject({ inconsistencies: [], debts: [] });
    expect(await notes()).toContain(`desk ${width} ${vip ? width : 0} ${width}`);
    expect(saga.history.find(({ step }) => step === 'close')?.data).toEqual({ tickets: width });
    expect(steps.keys).toEqual(new Set(names.map((name) => `${sagaId}:pay[${name}]`)));
    await settledRows(sagaId);
  });
});

const endings: readonly (readonly [string, (sagaId: string) => Promise<unknown>])[] = [
  ['the deadline of the saga ends', (sagaId) => due(sagaId, 'request', 'sagaDeadline')],
  ['the reservation of a branch ends', (sagaId) => due(sagaId, 'reserve[b]', 'reservation')],
  ['the deadline of the person ends', (sagaId) => due(sagaId, 'approve', 'deadline')],
  ['it is aborted', async (sagaId) => expect(await app.get(Sagas).requestAbort(sagaId, 'no')).toBe('requested')],
  [
    'an operator aborts it',
    async (sagaId) =>
      expect(await app.get(SagaOperator).abort({ sagaId, actor: 'ann', reason: 'no' })).toMatchObject({
        verdict: 'applied',
      }),
  ],
];

test.each(endings)('when %s while a person decides, every branch is undone', async (_title, end) => {
  const sagaId = await begun(['a', 'b'], true);
  await onTheDesk(sagaId);
  await end(sagaId);
  await restarted();
  const saga = await becomes(sagaId, 'aborted');
  expect(saga).toMatchObject({ inconsistencies: [], debts: [] });
  const undone = (await notes()).filter((text) => text.startsWith('un'));
  expect(undone.toSorted()).toEqual(['uninsure a', 'uninsure b', 'unrequest', 'unreserve a', 'unreserve b'].toSorted());
  await settledRows(sagaId);
});

test('the deadline of a branch whose work outside surely did nothing rejects it', async () => {
  steps.faults.set('pay b', 'always');
  const sagaId = await begun(['a', 'b']);
  await stepIs(sagaId, 'pay[b]', 'running');
  await eventually(async () => {
    await due(sagaId, 'pay[b]', 'deadline');
    expect((await app.get(SagaTracker).find(sagaId))?.steps['pay[b]']).toBe('rejected');
  });
  await becomes(sagaId, 'aborted');
  await settledRows(sagaId);
});

test('a branch that could not tell is asked for, by its own name', async () => {
  steps.faults.set('pay b', 'unknown');
  const sagaId = await begun(['a', 'b']);
  await approved(sagaId);
  await becomes(sagaId, 'completed');
  const asked = (await notes()).filter((text) => text.startsWith('ask'));
  expect(new Set(asked)).toEqual(new Set(['ask b']));
});

test.each(['redrive', 'waive', 'resolve'] as const)('the dead letter of a branch: %s', async (verb) => {
  steps.faults.set('unreserve b', 'always');
  steps.faults.set('insure a', 'refuse');
  const sagaId = await begun(['a', 'b'], true);
  await becomes(sagaId, 'needsIntervention');
  const operator = app.get(SagaOperator);
  const [letter] = await operator.deadLetters({ state: 'open' });
  expect(letter).toMatchObject({ step: 'reserve[b]', kind: 'compensation' });
  const said = { letterId: letter!.id, actor: 'ann', reason: 'seen to' };
  steps.faults.delete('unreserve b');
  const answer =
    verb === 'resolve' ? await operator.resolve({ ...said, as: 'compensated' }) : await operator[verb](said);
  expect(answer).toMatchObject({ verdict: 'applied', step: 'reserve[b]' });
  const saga = await becomes(sagaId, 'aborted');
  expect(saga.debts).toEqual(verb === 'waive' ? ['reserve[b]'] : []);
  await eventually(async () => expect(await operator.deadLetters({ state: 'open' })).toEqual([]));
});

const names = ['request', 'reserve a', 'insure b', 'ticket a', 'close', 'heard a', 'desk 2 2 2'];
test.each(names)('a throw after the write of "%s", once, changes nothing', async (name) => {
  if (name !== 'request') steps.faults.set(name, 'once');
  const sagaId = await begun(['a', 'b'], true);
  await approved(sagaId);
  await becomes(sagaId, 'completed');
  await eventually(async () => {
    const all = await notes();
    expect(all.filter((text) => text === name)).toHaveLength(1);
    expect(all.filter((text) => text.startsWith('heard')).toSorted()).toEqual(['heard a', 'heard b']);
  });
});

test('two trips that want the same leg: the second waits until the first has let go', async () => {
  const first = await begun(['a']);
  await onTheDesk(first);
  const second = await begun(['a', 'b']);
  await stepIs(second, 'reserve[b]', 'done');
  await stepIs(second, 'reserve[a]', 'running');
  await approved(first);
  await becomes(first, 'completed');
  await approved(second);
  await becomes(second, 'completed');
  await settledRows(second);
  expect((await notes()).filter((text) => text === 'reserve a')).toHaveLength(2);
});

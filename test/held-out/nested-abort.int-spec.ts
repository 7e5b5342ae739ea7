import type { TestingModule } from '@nestjs/testing';
import { SagaOperator, SagaTracker, SagaTrackerModule, Sagas, inMemory } from 'nest-saga';
import { DataSource } from 'typeorm';
import { beforeEach, describe, expect, test } from 'vitest';
import { startedOn } from '../nest/database-scene.js';
import { eventually } from '../nest/scene.js';
import { freshDatabase } from '../support/database.js';
import { PartsCase, PartsSteps } from './nested-parts.js';

let app: TestingModule;
let steps: PartsSteps;
beforeEach(async () => {
  app = await startedOn(await freshDatabase(), {
    imports: [SagaTrackerModule],
    providers: [PartsSteps],
    saga: { transport: inMemory(), circuit: 'off', retry: { retries: 400, firstDelay: 5, maxDelay: 50 } },
  });
  steps = app.get(PartsSteps);
});

const query = <Row>(text: string): Promise<Row[]> => app.get(DataSource).query<Row[]>(text);
const notes = async (): Promise<readonly string[]> =>
  (await query<{ text: string }>('SELECT text FROM note ORDER BY id')).map(({ text }) => text);
const begun = async (...parts: string[]): Promise<string> => (await app.get(Sagas).start(PartsCase, { parts })).sagaId;
const inner = async (): Promise<string> => {
  let found: string | undefined;
  await eventually(async () => {
    const [row] = await query<{ saga_id: string }>(`SELECT saga_id FROM saga_step WHERE saga_type = 'parts-claim'`);
    expect((found = row?.saga_id)).toBeDefined();
  });
  return found!;
};
const becomes = (sagaId: string, status: string): Promise<void> =>
  eventually(async () => expect((await app.get(SagaTracker).find(sagaId))?.status).toBe(status));
const stepIs = (step: string, status: string): Promise<void> =>
  eventually(async () =>
    expect(await query(`SELECT 1 FROM saga_step WHERE step = '${step}' AND status = '${status}'`)).toHaveLength(1),
  );
/** Holds for all that was begun: each effect has its undo, or none has one. */
const undone = async (): Promise<readonly string[]> => {
  const all = await notes();
  return all.filter((text) => !text.startsWith('un')).filter((text) => !all.includes(`un${text}`));
};

describe('a nested saga with a fan-out', () => {
  test('shows the dead letter of a branch around it; waived inside, both end and it is a debt', async () => {
    steps.refused.add('approve a+b');
    steps.failing.add('unassess b');
    const sagaId = await begun('a', 'b');
    await becomes(sagaId, 'needsIntervention');
    const nested = await inner();
    const said = { sagaId: nested, step: 'assess[b]', actor: 'ann', reason: 'written off' };
    expect(await app.get(SagaOperator).waive(said)).toMatchObject({ verdict: 'applied' });
    await becomes(sagaId, 'aborted');
    await becomes(nested, 'aborted');
    expect((await app.get(SagaTracker).find(nested))?.debts).toEqual(['assess[b]']);
    expect((await app.get(SagaTracker).find(sagaId))?.debts).toEqual(['settle']);
    expect(await undone()).toEqual(['assess b']);
  });
});

describe('a nested saga that has done its steps and waits for the pivot around it', () => {
  let sagaId: string;
  let nested: string;
  let operator: SagaOperator;
  const said = { actor: 'ann', reason: 'changed my mind' };

  beforeEach(async () => {
    steps.failing.add('approve a');
    sagaId = await begun('a');
    nested = await inner();
    operator = app.get(SagaOperator);
    await stepIs('commit', 'running');
    await stepIs('approve', 'running');
  });

  /** The one around and the one inside end alike, whoever was asked. */
  async function bothAborted(): Promise<void> {
    await stepIs('approve', 'rejected');
    steps.failing.clear();
    await becomes(nested, 'aborted');
    await becomes(sagaId, 'aborted');
    expect(await undone()).toEqual([]);
  }

  test('takes the saga around with it when its abort is requested', async () => {
    expect(await app.get(Sagas).requestAbort(nested, 'changed my mind')).toBe('requested');
    await bothAborted();
  });

  test('takes the saga around with it when an operator aborts it', async () => {
    expect(await operator.abort({ sagaId: nested, ...said })).toMatchObject({ verdict: 'applied' });
    await bothAborted();
  });

  test.each(['done', 'notDone'] as const)('is not resolved as %s: the saga around decides', async (as) => {
    const answer = await operator.resolve({
      sagaId: nested,
      step: 'commit',
      as,
      event: as === 'done' ? {} : undefined,
      ...said,
    });
    expect(answer).toMatchObject({ verdict: 'refused', because: expect.stringContaining(sagaId) as string });
    steps.failing.clear();
    await becomes(nested, 'completed');
    await becomes(sagaId, 'completed');
  });
});

test('a step that is a saga of its own is not spoken of while that saga is under way', async () => {
  steps.failing.add('assess a');
  const sagaId = await begun('a');
  const nested = await inner();
  await stepIs('assess[a]', 'running');
  const said = { sagaId, step: 'settle', actor: 'ann', reason: 'it takes too long' };
  const operator = app.get(SagaOperator);
  for (const answer of [
    await operator.redrive(said),
    await operator.resolve({ ...said, as: 'notDone' }),
    await operator.resolve({ ...said, as: 'done', event: { assessed: [] } }),
  ])
    expect(answer).toMatchObject({ verdict: 'refused', because: expect.stringContaining(nested) as string });
  steps.failing.clear();
  await becomes(sagaId, 'completed');
  await becomes(nested, 'completed');
});

test('a nested saga that is aborted while it runs ends, and the saga around it with it', async () => {
  steps.failing.add('assess a');
  const sagaId = await begun('a', 'b');
  const nested = await inner();
  await stepIs('assess[b]', 'done');
  await app.get(Sagas).requestAbort(nested, 'changed my mind');
  await becomes(nested, 'aborted');
  await becomes(sagaId, 'aborted');
  expect(await undone()).toEqual([]);
  expect((await app.get(SagaTracker).find(nested))?.parent).toMatchObject({ sagaId, step: 'settle' });
});

test('a nested saga of whose result nothing can be made is undone, and holds up no other', async () => {
  const sagaId = await begun('a part with far too long a name'.replaceAll(' ', '-'));
  await becomes(sagaId, 'aborted');
  await becomes(await inner(), 'aborted');
  expect(await undone()).toEqual([]);
  await becomes(await begun('b'), 'completed');
});

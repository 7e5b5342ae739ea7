import type { TestingModule } from '@nestjs/testing';
import { SagaOperator, SagaTracker, SagaTrackerModule, Sagas, inMemory } from 'nest-saga';
import { DataSource } from 'typeorm';
import { beforeEach, describe, expect, test } from 'vitest';
import { freshDatabase } from '../support/database.js';
import { Case, Claim, ClaimSteps } from './claim-sagas.js';
import { startedOn } from './database-scene.js';
import { eventually } from './scene.js';

let app: TestingModule;
let steps: ClaimSteps;
beforeEach(async () => {
  app = await startedOn(await freshDatabase(), {
    imports: [SagaTrackerModule],
    providers: [ClaimSteps],
    saga: { transport: inMemory(), retry: { retries: 3, firstDelay: 5, maxDelay: 5 } },
  });
  steps = app.get(ClaimSteps);
});

const query = <Row>(text: string): Promise<Row[]> => app.get(DataSource).query<Row[]>(text);
const notes = async (): Promise<readonly string[]> =>
  (await query<{ text: string }>('SELECT text FROM note ORDER BY id')).map(({ text }) => text);
const begun = async (): Promise<string> => (await app.get(Sagas).start(Case, { claimId: 'c-1', amount: 100 })).sagaId;
const inner = async (): Promise<string | undefined> =>
  (await query<{ saga_id: string }>(`SELECT saga_id FROM saga_step WHERE saga_type = 'claim' LIMIT 1`))[0]?.saga_id;
const becomes = (sagaId: string, status: string): Promise<void> =>
  eventually(async () => expect((await app.get(SagaTracker).find(sagaId))?.status).toBe(status));

describe('a step that is a saga of its own', () => {
  test('is done when that saga has done its steps, and that saga is final when the pivot is done', async () => {
    const sagaId = await begun();
    await becomes(sagaId, 'completed');
    expect(await notes()).toEqual(['open', 'register', 'assess', 'reserve', 'approve 50']);
    expect(steps.parents).toEqual([{ sagaId, sagaType: 'case', sagaVersion: 1, step: 'settleClaim' }]);
    await becomes((await inner())!, 'completed');
  });

  test('is rejected when that saga is refused, which undoes itself first', async () => {
    steps.refused = 'reserve';
    const sagaId = await begun();
    await becomes(sagaId, 'aborted');
    expect(await notes()).toEqual(['open', 'register', 'assess', 'unassess', 'unregister', 'unopen']);
    const ends = { settleClaim: 'rejected', approve: 'cancelled', openCase: 'compensated' };
    await eventually(async () => expect((await app.get(SagaTracker).find(sagaId))?.steps).toMatchObject(ends));
  });

  test('is undone after that saga has done its steps: all of them, in reverse order, before what came before', async () => {
    steps.refused = 'approve';
    const sagaId = await begun();
    await becomes(sagaId, 'aborted');
    expect(await notes()).toEqual([
      'open',
      'register',
      'assess',
      'reserve',
      'release because approve refused',
      'unassess',
      'unregister',
      'unopen',
    ]);
    await becomes((await inner())!, 'aborted');
  });

  test('shows a dead letter of that saga as its own, and goes on when an operator has seen to it', async () => {
    steps.refused = 'approve';
    steps.failing = 'unassess';
    const sagaId = await begun();
    await becomes(sagaId, 'needsIntervention');
    const nested = (await inner())!;
    const letters = await query<{ step: string; reason: string }>('SELECT step, reason FROM saga_dead_letter');
    expect(letters.map(({ step }) => step).toSorted((a, b) => a.localeCompare(b))).toEqual(['assess', 'settleClaim']);
    expect(letters.find(({ step }) => step === 'settleClaim')?.reason).toContain(nested);
    await app
      .get(SagaOperator)
      .resolve({ sagaId: nested, step: 'assess', as: 'compensated', actor: 'ann', reason: 'done by hand' });
    await becomes(sagaId, 'aborted');
    expect((await notes()).slice(-2)).toEqual(['unregister', 'unopen']);
  });

  test('ends early when an abort closes everything after it', async () => {
    steps.failing = 'assess';
    const sagaId = await begun();
    await eventually(async () => expect(await notes()).toContain('register'));
    await app.get(Sagas).requestAbort(sagaId, 'changed my mind');
    const cancelled = `SELECT 1 FROM saga_step WHERE step = 'reserveMoney' AND status = 'cancelled'`;
    await eventually(async () => expect(await query(cancelled)).toHaveLength(1));
    steps.failing = undefined;
    await becomes(sagaId, 'aborted');
    await becomes((await inner())!, 'aborted');
    const done = await notes();
    expect(done.slice(0, 2)).toEqual(['open', 'register']);
    expect(done.slice(-2)).toEqual(['unregister', 'unopen']);
    expect(done).not.toContain('reserve');
  });

  test('may also run alone, and is then final by itself', async () => {
    const { sagaId } = await app.get(Sagas).start(Claim, { claimId: 'c-2', amount: 10 });
    await becomes(sagaId, 'completed');
    expect(steps.parents).toEqual([undefined]);
  });
});

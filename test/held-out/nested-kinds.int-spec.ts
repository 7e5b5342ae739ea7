import type { TestingModule } from '@nestjs/testing';
import { SagaTracker, SagaTrackerModule, Sagas, inMemory } from 'nest-saga';
import { DataSource } from 'typeorm';
import { beforeEach, describe, expect, test } from 'vitest';
import { startedOn } from '../nest/database-scene.js';
import { eventually } from '../nest/scene.js';
import { freshDatabase } from '../support/database.js';
import { Case, KindsSteps, Survey, SurveyAsked } from './nested-kinds.js';

let url: string;
let app: TestingModule;
let steps: KindsSteps;
let transport = inMemory();

async function launched(): Promise<void> {
  app = await startedOn(url, {
    imports: [SagaTrackerModule],
    providers: [KindsSteps],
    saga: {
      transport,
      circuit: 'off',
      retry: { retries: 400, firstDelay: 5, maxDelay: 50 },
      settings: { lease: 300, sweepEvery: 100 },
    },
  });
  steps = app.get(KindsSteps);
}

beforeEach(async () => {
  transport = inMemory();
  url = await freshDatabase();
  await launched();
});

const query = <Row>(text: string): Promise<Row[]> => app.get(DataSource).query<Row[]>(text);
const notes = async (): Promise<readonly string[]> =>
  (await query<{ text: string }>('SELECT text FROM note ORDER BY id')).map(({ text }) => text);
const begun = async (expert: boolean, ...rooms: string[]): Promise<string> =>
  (await app.get(Sagas).start(Case, { rooms, expert })).sagaId;
const becomes = (sagaId: string, status: string): Promise<void> =>
  eventually(async () => expect((await app.get(SagaTracker).find(sagaId))?.status).toBe(status));
const innermost = async (): Promise<string> => {
  await eventually(async () => expect(await idsOf('kinds-survey')).toHaveLength(1));
  return (await idsOf('kinds-survey'))[0]!;
};
const idsOf = async (saga: string): Promise<readonly string[]> =>
  (await query<{ saga_id: string }>(`SELECT DISTINCT saga_id FROM saga_step WHERE saga_type = '${saga}'`)).map(
    ({ saga_id }) => saga_id,
  );
/** All three sagas have the same end, and no row of them is open. */
const allAre = (status: string): Promise<void> =>
  eventually(async () => {
    for (const saga of ['kinds-case', 'kinds-damage', 'kinds-survey'])
      for (const id of await idsOf(saga))
        expect([saga, (await app.get(SagaTracker).find(id))?.status]).toEqual([saga, status]);
    expect(await query(`SELECT 1 FROM saga_step WHERE status IN ('running', 'compensating')`)).toEqual([]);
    expect(await query('SELECT 1 FROM saga_outbox')).toEqual([]);
  });
const undone = async (): Promise<readonly string[]> => {
  const all = (await notes()).filter((text) => !text.startsWith('heard'));
  return all.filter((text) => !text.startsWith('un')).filter((text) => !all.includes(`un${text}`));
};

describe.each([true, false])('sagas three deep, the last step of the middle one asked for %s', (expert) => {
  test('complete together', async () => {
    const sagaId = await begun(expert, 'hall', 'attic');
    await becomes(sagaId, 'completed');
    await allAre('completed');
    expect(await notes()).toContain(`approve ${expert}`);
    await eventually(async () =>
      expect((await notes()).filter((text) => text.startsWith('heard')).toSorted()).toEqual([
        'heard attic',
        'heard hall',
      ]),
    );
  });

  test('are undone together when the outermost pivot is refused', async () => {
    steps.refused.add(`approve ${expert}`);
    await becomes(await begun(expert, 'hall', 'attic'), 'aborted');
    await allAre('aborted');
    expect(await undone()).toEqual([]);
  });

  test('are undone together when the innermost runs out of time while the outermost is about to commit', async () => {
    steps.failing.add(`approve ${expert}`);
    const sagaId = await begun(expert, 'hall');
    await eventually(async () =>
      expect(await query(`SELECT 1 FROM saga_step WHERE step = 'approve' AND status = 'running'`)).toHaveLength(1),
    );
    await query(`UPDATE saga_timer SET due_at = now() WHERE saga_id = '${await innermost()}'`);
    await becomes(sagaId, 'aborted');
    await allAre('aborted');
    expect(await undone()).toEqual([]);
  });
});

test('a person asked in the innermost is not waited for when the outermost is aborted', async () => {
  steps.answered = false;
  const sagaId = await begun(false, 'hall');
  await innermost();
  await eventually(async () => expect(await notes()).toContain('ask survey'));
  await app.get(Sagas).requestAbort(sagaId, 'changed my mind');
  await becomes(sagaId, 'aborted');
  await allAre('aborted');
  expect((await notes()).filter((text) => text.startsWith('un'))).toEqual(['unask damage', 'unopen']);
});

test('a person decides the innermost, and all go on', async () => {
  steps.answered = false;
  const sagaId = await begun(false, 'hall');
  const inner = await innermost();
  await eventually(async () => {
    const answer = new SurveyAsked({ rooms: ['hall', 'yard'], expert: false });
    expect(await app.get(Sagas).signal(inner, Survey.steps.ask, answer)).toMatchObject({ accepted: true });
  });
  await becomes(sagaId, 'completed');
  expect(await notes()).toContain('see yard');
});

const moments = ['ask survey', 'see hall', 'hear', 'approve true'];
test.each(moments)('stopped while "%s" fails and started again, sagas three deep complete', async (moment) => {
  steps.failing.add(moment);
  const sagaId = await begun(true, 'hall', 'attic');
  await eventually(async () =>
    expect(await query(`SELECT 1 FROM saga_step WHERE last_error LIKE '${moment} fails'`)).not.toEqual([]),
  );
  await app.close();
  await launched();
  await becomes(sagaId, 'completed');
  await allAre('completed');
  expect(await notes()).toContain('approve true');
});

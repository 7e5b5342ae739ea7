import type { TestingModule } from '@nestjs/testing';
import { getRepositoryToken } from '@nestjs/typeorm';
import { SagaTrackerModule, Sagas, StepRejected, inMemory, type SignalAnswer, type TransportFactory } from 'nest-saga';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Repository } from 'typeorm';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../libs/saga/src/adapters/system/system-clock.js';
import { freshDatabase } from '../support/database.js';
import { Note, startedOn } from './database-scene.js';
import { eventually } from './scene.js';
import { Loan, LoanDenied, LoanGranted, LoanSteps } from './waiting-steps.js';

const { grant } = Loan.steps;
const patience = { timeout: 30_000 };

let url: string;
let transport: TransportFactory;
beforeEach(async () => {
  url = await freshDatabase();
  transport = inMemory();
});
afterEach(() => vi.restoreAllMocks());

const bank = (): Promise<TestingModule> =>
  startedOn(url, { providers: [LoanSteps], imports: [SagaTrackerModule], saga: { transport } });

const granted = (loanId: string, by = 'ann'): LoanGranted => new LoanGranted({ loanId, by });

async function rows<Row>(app: TestingModule, sql: string): Promise<readonly Row[]> {
  return app.get<Repository<Note>>(getRepositoryToken(Note)).manager.query<Row[]>(sql);
}

async function notes(app: TestingModule): Promise<readonly string[]> {
  return (await rows<Note>(app, 'SELECT text FROM note ORDER BY id')).map(({ text }) => text);
}

async function waiting(app: TestingModule, loanId: string): Promise<string> {
  const { sagaId } = await app.get(Sagas).start(Loan, { loanId });
  await eventually(async () => expect(await notes(app)).toContain(`${loanId} waits for a decision`));
  return sagaId;
}

describe('a step that waits for a person', () => {
  test('is done with what it is signaled, and its timers are gone', async () => {
    const app = await bank();
    const sagas = app.get(Sagas);
    const sagaId = await waiting(app, 'l1');
    await eventually(async () => expect((await sagas.status(sagaId))?.steps).toMatchObject({ grant: 'waiting' }));
    expect(await sagas.signal(sagaId, grant, granted('l1'))).toEqual({ accepted: true, existing: false });
    expect(await sagas.signal(sagaId.toUpperCase(), grant, granted('l1'))).toEqual({ accepted: true, existing: true });
    expect(await sagas.settled(sagaId, patience)).toMatchObject({
      status: 'completed',
      inconsistencies: [],
      steps: { grant: 'done' },
    });
    expect(await notes(app)).toEqual(['l1 waits for a decision', 'l1 sent, granted by ann']);
    await eventually(async () => expect(await rows(app, 'SELECT * FROM saga_timer')).toEqual([]));
  });

  test('is rejected when nobody answers in time, and who answers later is told', async () => {
    const app = await bank();
    const sagas = app.get(Sagas);
    const sagaId = await waiting(app, 'l1');
    expect(await sagas.settled(sagaId, patience)).toMatchObject({ status: 'aborted', inconsistencies: [] });
    const late = { accepted: false, because: 'expired', outcome: 'rejected' };
    expect(await sagas.signal(sagaId, grant, granted('l1'))).toEqual(late);
    expect((await notes(app)).slice(1)).toEqual(['l1 released', 'l1 withdrawn: grant: deadline exceeded']);
  });

  test('gives up when an abort is requested, and who requested it is told how it ended', async () => {
    const app = await bank();
    const sagas = app.get(Sagas);
    const sagaId = await waiting(app, 'l1');
    expect(await sagas.requestAbort(sagaId, 'found another bank')).toBe('requested');
    expect(await sagas.abortOutcome(sagaId, patience)).toBe('closing');
    expect(await sagas.settled(sagaId, patience)).toMatchObject({ status: 'aborted', inconsistencies: [] });
    expect(await notes(app)).toContain('l1 withdrawn: abort: found another bank');
  });

  test('that has been granted is not aborted any more, and who asks is told so', async () => {
    const app = await bank();
    const sagas = app.get(Sagas);
    const sagaId = await waiting(app, 'l1');
    await expect(sagas.abortOutcome(sagaId, { timeout: 50 })).rejects.toMatchObject({ code: 'NOT_DECIDED' });
    const [signal, asked] = await Promise.all([
      sagas.signal(sagaId, grant, granted('l1')),
      sagas.requestAbort(sagaId, 'found another bank'),
    ]);
    const outcome = await sagas.abortOutcome(sagaId, patience);
    expect([signal.accepted, outcome]).toEqual(signal.accepted ? [true, 'committed'] : [false, 'closing']);
    expect(['requested', 'refused']).toContain(asked);
    const { status } = await sagas.settled(sagaId, patience);
    expect(status).toBe(outcome === 'committed' ? 'completed' : 'aborted');
  });

  test('is not signaled by what is no saga, no event of it, or from inside another step', async () => {
    const app = await bank();
    const sagas = app.get(Sagas);
    expect(await sagas.signal(randomUUID(), grant, granted('l1'))).toEqual({
      accepted: false,
      because: 'notWaiting',
      why: 'sagaUnknown',
    });
    await expect(sagas.signal('l1', grant, granted('l1'))).rejects.toMatchObject({ code: 'INVALID_SAGA_ID' });
    const sagaId = await waiting(app, 'l1');
    await expect(sagas.signal(sagaId, grant, {} as never)).rejects.toMatchObject({ code: 'INVALID_SIGNAL' });
    app.get(LoanSteps).besides = () => sagas.signal(sagaId, grant, granted('l1'));
    await expect(sagas.start(Loan, { loanId: 'l2' })).rejects.toMatchObject({ code: 'SIGNAL_INSIDE_STEP' });
    expect(await sagas.signal(sagaId, grant, new StepRejected('no money'))).toEqual({
      accepted: true,
      existing: false,
    });
  });
});

describe('of two replicas', () => {
  test('one sees to each timer, once', async () => {
    const [first, second] = [await bank(), await bank()];
    const sagas = first.get(Sagas);
    const ids = await Promise.all(Array.from({ length: 30 }, (_, index) => waiting(first, `l${index}`)));
    for (const id of ids) expect(await sagas.settled(id, patience)).toMatchObject({ status: 'aborted' });
    const all = await notes(second);
    expect(all.filter((note) => note.endsWith('released'))).toHaveLength(ids.length);
    expect(new Set(all).size).toBe(all.length);
    expect(await rows(first, 'SELECT * FROM saga_timer')).toEqual([]);
    for (const id of ids) {
      const rejected = (await sagas.status(id))!.history.filter(({ step }) => step === 'grant');
      expect(rejected.map(({ outcome }) => outcome)).toEqual(['rejected']);
    }
  });

  test('a person at each, and the deadline, all at the same instant: one decides and the others are told', async () => {
    const [first, second] = [(await bank()).get(Sagas), (await bank()).get(Sagas)];
    const app = await bank();
    const loans = await Promise.all(
      Array.from({ length: 25 }, async (_, index) => ({
        loanId: `l${index}`,
        sagaId: await waiting(app, `l${index}`),
      })),
    );
    await rows(app, `UPDATE saga_timer SET due_at = now() + interval '120 milliseconds' WHERE kind = 'deadline'`);
    await sleep(100);
    const answers = await Promise.all(
      loans.map(async ({ loanId, sagaId }): Promise<readonly [SignalAnswer, SignalAnswer]> => {
        await sleep(Math.random() * 40);
        return Promise.all([
          first.signal(sagaId, grant, granted(loanId)),
          second.signal(sagaId, grant, new LoanDenied({ loanId, reason: 'no money' })),
        ]);
      }),
    );
    for (const [index, { sagaId }] of loans.entries()) {
      const tracked = await first.settled(sagaId, patience);
      const [ann, bob] = answers[index]!;
      expect(tracked.inconsistencies).toEqual([]);
      const decided = tracked.history.filter(({ step }) => step === 'grant');
      expect(decided).toHaveLength(1);
      const { type, outcome } = decided[0]!;
      const told = [ann, bob].map((answer) => (answer.accepted || answer.because === 'notWaiting' ? answer.accepted : answer.outcome)); // prettier-ignore
      expect(told).toEqual(['loan.granted', 'loan.denied'].map((won) => (won === type ? true : outcome)));
    }
  });
});

describe('the clock of an application', () => {
  test.each([
    ['an hour fast', 3_600_000],
    ['an hour slow', -3_600_000],
  ])('that is %s changes nothing: the database tells when a deadline ends', async (_which, wrong) => {
    vi.spyOn(systemClock, 'now').mockImplementation(() => new Date(Date.now() + wrong));
    const app = await bank();
    const sagas = app.get(Sagas);
    const begun = performance.now();
    const sagaId = await waiting(app, 'l1');
    await sagas.settled(sagaId, patience);
    expect(performance.now() - begun).toBeGreaterThan(1_400);
    expect(await notes(app)).toContain('l1 withdrawn: grant: deadline exceeded');
  });

  test('that jumps while a step waits changes nothing', async () => {
    let wrong = 0;
    vi.spyOn(systemClock, 'now').mockImplementation(() => new Date(Date.now() + wrong));
    const app = await bank();
    const sagas = app.get(Sagas);
    const begun = performance.now();
    const sagaId = await waiting(app, 'l1');
    wrong = 7_200_000;
    await sleep(300);
    expect(await sagas.status(sagaId)).toMatchObject({ status: 'running' });
    wrong = -7_200_000;
    await sagas.settled(sagaId, patience);
    expect(performance.now() - begun).toBeGreaterThan(1_400);
  });
});

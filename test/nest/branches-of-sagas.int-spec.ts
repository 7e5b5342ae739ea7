import { Injectable } from '@nestjs/common';
import type { TestingModule } from '@nestjs/testing';
import {
  Compensates,
  DomainEvent,
  SagaOperator,
  SagaStep,
  SagaTracker,
  SagaTrackerModule,
  Sagas,
  StepRejected,
  defineSaga,
  inMemory,
  type CompensationContext,
  type SignalAnswer,
  type StepContext,
} from 'nest-saga';
import { InjectRepository } from '@nestjs/typeorm';
import { DataSource, type Repository } from 'typeorm';
import { beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { freshDatabase } from '../support/database.js';
import { Note, startedOn } from './database-scene.js';
import { eventually } from './scene.js';

const parts = z.object({ parts: z.array(z.string()) });
const item = z.object({ part: z.string() });

class DamageAssessed extends DomainEvent('damage.assessed', item) {}
class MoneyReserved extends DomainEvent('money.reserved', item) {}
class CaseOpened extends DomainEvent('case.opened', parts) {}
class PartSettled extends DomainEvent('part.settled', item) {}
class PartSigned extends DomainEvent('part.signed', z.object({ by: z.string() })) {}
class CaseClosed extends DomainEvent('case.closed', z.object({ signedBy: z.array(z.string()) })) {}

const Settlement = defineSaga(
  'settlement',
  {
    assess: { input: item, emits: DamageAssessed },
    reserve: { after: 'assess', emits: MoneyReserved },
  },
  { commits: 'withParent' },
);

// #region definition
const Case = defineSaga('case', {
  open: { input: parts, emits: CaseOpened },
  settle: { after: 'open', each: (opened: CaseOpened) => opened.parts, saga: Settlement, emits: PartSettled },
  sign: { after: 'settle', each: (opened: CaseOpened) => opened.parts, awaits: 'signal', emits: PartSigned },
  close: { after: 'sign', kind: 'pivot', emits: CaseClosed },
});
// #endregion definition

@Injectable()
class CaseSteps {
  worthless = '';
  stuck = '';

  constructor(@InjectRepository(Note) private readonly notes: Repository<Note>) {}

  @SagaStep(Settlement.steps.assess)
  async assess({ part }: z.infer<typeof item>): Promise<DamageAssessed> {
    await this.note(`assess ${part}`);
    return new DamageAssessed({ part });
  }

  @Compensates(Settlement.steps.assess)
  async forget({ part }: DamageAssessed): Promise<void> {
    await this.note(`forget ${part}`);
  }

  @SagaStep(Settlement.steps.reserve)
  async reserve({ part }: DamageAssessed): Promise<MoneyReserved> {
    if (part === this.worthless) throw new StepRejected(`nothing is paid for ${part}`);
    await this.note(`reserve ${part}`);
    return new MoneyReserved({ part });
  }

  @Compensates(Settlement.steps.reserve)
  async release({ part }: MoneyReserved): Promise<void> {
    if (part === this.stuck) throw new Error('the bank is closed');
    await this.note(`release ${part}`);
  }

  @SagaStep(Case.steps.open)
  open(given: z.infer<typeof parts>): CaseOpened {
    return new CaseOpened(given);
  }

  @Compensates(Case.steps.open)
  async discard(): Promise<void> {
    await this.note('discard');
  }

  // #region nested
  @SagaStep(Case.steps.settle)
  settle(_: CaseOpened, { branch }: StepContext): z.infer<typeof item> {
    return { part: branch };
  }
  // #endregion nested

  @SagaStep(Case.steps.sign)
  async askFor(settled: Record<string, PartSettled>, { branch }: StepContext): Promise<void> {
    await this.note(`ask for ${settled[branch]!.part}`);
  }

  @Compensates(Case.steps.sign)
  async tearUp(_: PartSigned, { branch }: CompensationContext): Promise<void> {
    await this.note(`tear up ${branch}`);
  }

  @SagaStep(Case.steps.close)
  close(signed: Record<string, PartSigned>): CaseClosed {
    return new CaseClosed({ signedBy: Object.entries(signed).map(([part, { by }]) => `${part} by ${by}`) });
  }

  async said(): Promise<readonly string[]> {
    return (await this.notes.find({ order: { id: 'ASC' } })).map(({ text }) => text);
  }

  private async note(text: string): Promise<void> {
    await this.notes.insert({ text });
  }
}

let app: TestingModule;
let steps: CaseSteps;
beforeEach(async () => {
  app = await startedOn(await freshDatabase(), {
    imports: [SagaTrackerModule],
    providers: [CaseSteps],
    saga: { transport: inMemory(), retry: { retries: 1, firstDelay: 5, maxDelay: 20 }, circuit: 'off' },
  });
  steps = app.get(CaseSteps);
});

const opened = async (...names: readonly string[]): Promise<string> =>
  (await app.get(Sagas).start(Case, { parts: [...names] })).sagaId;
const sign = (sagaId: string, branch: string, event: PartSigned | StepRejected): Promise<SignalAnswer> =>
  app.get(Sagas).signal(sagaId, Case.steps.sign, event, { branch });
const becomes = (sagaId: string, status: string): Promise<void> =>
  eventually(async () => expect((await app.get(SagaTracker).find(sagaId))?.status).toBe(status));
const asked = (...names: readonly string[]): Promise<void> =>
  eventually(async () =>
    expect(await steps.said()).toEqual(expect.arrayContaining(names.map((name) => `ask for ${name}`))),
  );
const saidOf = async (part: string): Promise<readonly string[]> =>
  (await steps.said()).filter((line) => line.endsWith(` ${part}`));
const openRows = (): Promise<unknown[]> =>
  app
    .get(DataSource)
    .query<unknown[]>(
      `SELECT saga_type, step, status FROM saga_step WHERE status NOT IN ('compensated', 'rejected', 'cancelled')`,
    );

describe('a fan-out whose branches are sagas of their own, and one whose branches wait for somebody each', () => {
  test('are joined by the names of their branches: each settled, and each signed', async () => {
    const sagaId = await opened('car', 'house');
    await asked('car', 'house');
    for (const part of ['house', 'car']) {
      const answer = await sign(sagaId, part, new PartSigned({ by: `owner of ${part}` }));
      expect(answer).toEqual({ accepted: true, existing: false });
    }
    await becomes(sagaId, 'completed');
    const { history } = (await app.get(SagaTracker).find(sagaId))!;
    expect(history.find(({ step }) => step === 'close')).toMatchObject({
      data: { signedBy: ['car by owner of car', 'house by owner of house'] },
    });
    for (const part of ['car', 'house'])
      expect(await saidOf(part)).toEqual([`assess ${part}`, `reserve ${part}`, `ask for ${part}`]);
    const inside = await app
      .get(DataSource)
      .query<{ step: string }[]>(
        `SELECT step FROM saga_step WHERE saga_type = 'settlement' AND status = 'done' ORDER BY step`,
      );
    expect(inside.map(({ step }) => step)).toEqual(['assess', 'assess', 'commit', 'commit', 'reserve', 'reserve']);
  });

  test('without branches, are no steps at all', async () => {
    await becomes(await opened(), 'completed');
    expect(await steps.said()).toEqual([]);
  });

  test('are undone as wholes when one of them is refused inside', async () => {
    steps.worthless = 'house';
    await becomes(await opened('car', 'house', 'boat'), 'aborted');
    await eventually(async () => expect(await openRows()).toEqual([]));
    expect(await saidOf('car')).toEqual(['assess car', 'reserve car', 'release car', 'forget car']);
    expect(await saidOf('boat')).toEqual(['assess boat', 'reserve boat', 'release boat', 'forget boat']);
    expect(await saidOf('house')).toEqual(['assess house', 'forget house']);
    expect((await steps.said()).at(-1)).toBe('discard');
  });

  test('are closed when one of those who are waited for says no: nobody else is waited for any more', async () => {
    const sagaId = await opened('car', 'house');
    await asked('car', 'house');
    expect(await sign(sagaId, 'car', new StepRejected('not my car'))).toMatchObject({ accepted: true });
    await becomes(sagaId, 'aborted');
    await eventually(async () => expect(await openRows()).toEqual([]));
    expect(await sign(sagaId, 'house', new PartSigned({ by: 'too late' }))).toMatchObject({
      accepted: false,
      because: 'decided',
    });
    expect((await saidOf('house')).slice(-2)).toEqual(['release house', 'forget house']);
    expect((await steps.said()).at(-1)).toBe('discard');
  });

  test('show the dead letter of a saga inside at their branch, and go on when it is redriven', async () => {
    steps.stuck = 'house';
    const sagaId = await opened('car', 'house');
    await asked('car', 'house');
    await sign(sagaId, 'car', new StepRejected('not my car'));
    const operator = app.get(SagaOperator);
    await eventually(async () => {
      const letters = await operator.deadLetters({ state: 'open' });
      expect(letters.map(({ step }) => step)).toEqual(expect.arrayContaining(['reserve', 'settle[house]']));
    });
    const [letter] = (await operator.deadLetters({ state: 'open' })).filter(({ step }) => step === 'reserve');
    steps.stuck = '';
    await operator.redrive({ letterId: letter!.id, actor: 'ann', reason: 'the bank is open' });
    await becomes(sagaId, 'aborted');
    await eventually(async () => expect(await openRows()).toEqual([]));
    expect(await operator.deadLetters({ state: 'open' })).toEqual([]);
    expect((await saidOf('house')).slice(-2)).toEqual(['release house', 'forget house']);
  });

  test('need a branch to be signaled, by its name; one that the saga does not have waits for nobody', async () => {
    const sagaId = await opened('car');
    await asked('car');
    const signed = new PartSigned({ by: 'ann' });
    await expect(app.get(Sagas).signal(sagaId, Case.steps.sign, signed)).rejects.toThrow(
      'Step "sign" of saga "case" runs once for each branch; say which one the signal is for: { branch }.',
    );
    await expect(sign(sagaId, 'no name', signed)).rejects.toMatchObject({ code: 'INVALID_SIGNAL' });
    expect(await sign(sagaId, 'boat', signed)).toEqual({ accepted: false, because: 'notWaiting', why: 'notBegun' });
    expect(await sign(sagaId, 'car', signed)).toEqual({ accepted: true, existing: false });
    expect(await sign(sagaId, 'car', signed)).toEqual({ accepted: true, existing: true });
    await becomes(sagaId, 'completed');
  });
});

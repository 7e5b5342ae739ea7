import { Injectable } from '@nestjs/common';
import type { TestingModule } from '@nestjs/testing';
import { InjectRepository } from '@nestjs/typeorm';
import {
  SagaOperator,
  SagaStep,
  Sagas,
  SagaTrackerModule,
  Compensates,
  inMemory,
  type OperatorAnswer,
} from 'nest-saga';
import type { Repository } from 'typeorm';
import { beforeEach, describe, expect, test } from 'vitest';
import { freshDatabase } from '../support/database.js';
import { query } from '../e2e/rows.js';
import { Note, startedOn } from './database-scene.js';
import { Order, OrderPlaced, StockReleased, StockReserved } from './order-saga.js';
import { ChargeSteps, PlaceSteps, ShipSteps } from './order-steps.js';
import { eventually } from './scene.js';

/** Whether what is reserved can be released. */
let warehouse: 'open' | 'closed';

@Injectable()
class ReserveSteps {
  constructor(@InjectRepository(Note) private readonly notes: Repository<Note>) {}

  @SagaStep(Order.steps.reserve)
  reserve(placed: OrderPlaced): StockReserved {
    return new StockReserved(placed);
  }

  @Compensates(Order.steps.reserve)
  async release({ orderId }: StockReserved): Promise<StockReleased> {
    await this.notes.insert({ text: orderId });
    if (warehouse === 'closed') throw new Error('the warehouse is closed');
    return new StockReleased({ orderId });
  }
}

// #region outage
@Injectable()
class AfterAnOutage {
  constructor(private readonly operator: SagaOperator) {}

  /** Tries everything again that the outage left behind; what fails again waits again, as another dead letter. */
  async redriveAll(actor: string, reason: string): Promise<readonly OperatorAnswer[]> {
    const waiting = await this.operator.deadLetters({ state: 'open', kind: 'compensation', sagaType: 'order' });
    return Promise.all(waiting.map(({ id }) => this.operator.redrive({ letterId: id, actor, reason })));
  }
}
// #endregion outage

const providers = [PlaceSteps, ReserveSteps, ChargeSteps, ShipSteps, AfterAnOutage];
const ada = { actor: 'ada', reason: 'the warehouse is open' };

let url: string;
let replicas: readonly [TestingModule, TestingModule];

beforeEach(async () => {
  warehouse = 'closed';
  url = await freshDatabase();
  const saga = { transport: inMemory(), circuit: 'off' } as const; // many dead letters are wanted here
  replicas = [
    await startedOn(url, { providers, imports: [SagaTrackerModule], saga }),
    await startedOn(url, { providers, imports: [SagaTrackerModule], saga }),
  ];
});

const operators = (): readonly [SagaOperator, SagaOperator] => [
  replicas[0].get(SagaOperator),
  replicas[1].get(SagaOperator),
];

/** Orders whose charge is refused and whose stock cannot be released. */
async function deadLettered(count: number): Promise<readonly string[]> {
  const starts = Array.from({ length: count }, (_, index) =>
    replicas[index % 2]!.get(Sagas).start(Order, { orderId: `o${index}`, quantity: 11 }),
  );
  const sagaIds = (await Promise.all(starts)).map(({ sagaId }) => sagaId);
  await eventually(async () => {
    expect(await operators()[0].deadLetters({ state: 'open', limit: 1_000 })).toHaveLength(count);
  });
  return sagaIds;
}

const verdictsOf = (answers: readonly OperatorAnswer[]): readonly string[] =>
  answers.map(({ verdict }) => verdict).toSorted();

describe('two replicas on one Postgres', () => {
  test('of redrive, resolve and waive at once, from both, one is applied in each saga; all are in the audit, and every saga settles', async () => {
    const sagaIds = await deadLettered(20);
    warehouse = 'open';
    const [first, second] = operators();
    const won = await Promise.all(
      sagaIds.map(async (sagaId, index) => {
        const step = { sagaId, step: 'reserve', ...ada };
        const verbs = [
          (operator: SagaOperator) => operator.redrive(step),
          (operator: SagaOperator) => operator.resolve({ ...step, as: 'compensated' }),
          (operator: SagaOperator) => operator.waive(step),
        ];
        const turned = verbs.map((_, place) => verbs[(place + index) % verbs.length]!);
        const answers = await Promise.all(turned.flatMap((say) => [say(first), say(second)]));
        expect(answers.filter(({ verdict }) => verdict === 'applied')).toHaveLength(1);
        return verbs.indexOf(turned[Math.floor(answers.findIndex(({ verdict }) => verdict === 'applied') / 2)]!);
      }),
    );
    for (const [index, sagaId] of sagaIds.entries()) {
      const saga = await replicas[0].get(Sagas).settled(sagaId, { timeout: 20_000 });
      expect(saga).toMatchObject({ status: 'aborted', inconsistencies: [] });
      await eventually(async () => {
        const told = await replicas[0].get(Sagas).status(sagaId);
        expect(told?.debts).toEqual(won[index] === 2 ? ['reserve'] : []);
      });
      const { audit, letters } = await first.inspect(sagaId);
      expect(audit).toHaveLength(6);
      expect(letters).toMatchObject([{ settled: { as: ['redriven', 'resolved', 'waived'][won[index]!], by: 'ada' } }]);
    }
    const released = await query<{ text: string }>(url, 'SELECT text FROM note ORDER BY id');
    const redriven = sagaIds.flatMap((_, index) => (won[index] === 0 ? [`o${index}`] : []));
    expect(released.map(({ text }) => text).toSorted()).toEqual(redriven.toSorted());
  });

  test('after an outage all that waits is redriven, from both replicas at once, and every saga settles', async () => {
    const sagaIds = await deadLettered(12);
    warehouse = 'open';
    const answers = await Promise.all(
      replicas.map((replica) => replica.get(AfterAnOutage).redriveAll('ada', 'the warehouse is open')),
    );
    const verdicts = verdictsOf(answers.flat());
    expect(verdicts.filter((verdict) => verdict === 'applied')).toHaveLength(sagaIds.length);
    expect(verdicts).not.toContain('refused');
    for (const sagaId of sagaIds) {
      await eventually(async () => {
        expect(await replicas[0].get(Sagas).status(sagaId)).toMatchObject({ status: 'aborted', debts: [] });
      });
    }
    expect(await query(url, 'SELECT text FROM note')).toHaveLength(sagaIds.length);
  });

  test('a redrive that fails again is another dead letter, with a message of its own in the log', async () => {
    const [sagaId] = await deadLettered(1);
    const [first] = operators();
    expect(await first.redrive({ sagaId: sagaId!, step: 'reserve', ...ada })).toMatchObject({ verdict: 'applied' });
    await eventually(async () => {
      expect((await first.inspect(sagaId!)).letters).toMatchObject([
        { settled: { as: 'redriven' } },
        { kind: 'compensation' },
      ]);
      const logged = await query<{ message_id: string }>(
        url,
        "SELECT message_id FROM saga_event WHERE message_id LIKE '%deadLettered%' ORDER BY logged_at",
      );
      const id = `${sagaId}:reserve:deadLettered`;
      expect(logged.map(({ message_id }) => message_id)).toEqual([id, `${id}:2`]);
    });
    expect(await replicas[1].get(Sagas).status(sagaId!)).toMatchObject({
      status: 'needsIntervention',
      debts: ['reserve'],
    });
  });

  test('a word that cannot be committed is neither applied nor written down', async () => {
    const [sagaId] = await deadLettered(1);
    const [first] = operators();
    await query(url, 'ALTER TABLE saga_audit ADD CONSTRAINT full_disk CHECK (false) NOT VALID');
    await expect(first.waive({ sagaId: sagaId!, step: 'reserve', ...ada })).rejects.toThrow('full_disk');
    await query(url, 'ALTER TABLE saga_audit DROP CONSTRAINT full_disk');
    expect(await first.inspect(sagaId!)).toMatchObject({
      steps: expect.arrayContaining([expect.objectContaining({ step: 'reserve', status: 'deadLettered' })]) as object,
      audit: [],
    });
    expect((await first.inspect(sagaId!)).letters[0]).not.toHaveProperty('settled');
    expect(await first.waive({ sagaId: sagaId!, step: 'reserve', ...ada })).toMatchObject({ verdict: 'applied' });
  });

  test('an abort is asked for once, from whichever replica; after the pivot it is refused', async () => {
    const { sagaId } = await replicas[0].get(Sagas).start(Order, { orderId: 'o1', quantity: 1 });
    await replicas[0].get(Sagas).settled(sagaId, { timeout: 20_000 });
    expect(await operators()[0].abort({ sagaId, ...ada })).toMatchObject({
      verdict: 'refused',
      because: 'its pivot "charge" is done: nothing is undone any more',
    });
    const [open] = await deadLettered(1);
    const words = operators().flatMap((operator) => [0, 1].map(() => operator.abort({ sagaId: open!, ...ada })));
    expect(verdictsOf(await Promise.all(words))).toEqual([
      'alreadyApplied',
      'alreadyApplied',
      'alreadyApplied',
      'applied',
    ]);
  });

  test('hostile text in every field is text', async () => {
    const [sagaId] = await deadLettered(1);
    const [first] = operators();
    const odd = `'; DROP TABLE saga_audit; -- \\'; $$ O"Neill 起動 🚀`;
    await expect(first.waive({ sagaId: sagaId!, step: odd, ...ada })).rejects.toMatchObject({ code: 'STEP_NOT_HERE' });
    expect(await first.deadLetters({ sagaType: odd })).toEqual([]);
    await first.waive({ sagaId: sagaId!, step: 'reserve', actor: odd, reason: odd });
    expect(await first.inspect(sagaId!)).toMatchObject({
      audit: [{ actor: odd, reason: odd }],
      letters: [{ settled: { by: odd } }],
    });
    await eventually(async () => {
      expect(await replicas[0].get(Sagas).status(sagaId!)).toMatchObject({ status: 'aborted', debts: ['reserve'] });
    });
  });
});

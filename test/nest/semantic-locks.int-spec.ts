import { Injectable } from '@nestjs/common';
import type { TestingModule } from '@nestjs/testing';
import {
  Compensates,
  DomainEvent,
  SagaStep,
  SagaTracker,
  SagaTrackerModule,
  Sagas,
  SemanticLocks,
  StepRejected,
  defineSaga,
  inMemory,
  type OnHeld,
  type StepContext,
} from 'nest-saga';
import { DataSource } from 'typeorm';
import { beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { freshDatabase } from '../support/database.js';
import { startedOn } from './database-scene.js';
import { eventually } from './scene.js';

const wanted = z.object({ first: z.string(), second: z.string(), onHeld: z.enum(['reject', 'wait', 'abortOlder']) });

class ChangeAsked extends DomainEvent('change.asked', wanted) {}
class FirstTaken extends DomainEvent('first.taken', wanted) {}
class SecondTaken extends DomainEvent('second.taken', wanted) {}
class ChangeMade extends DomainEvent('change.made', wanted) {}
class ChangeCleared extends DomainEvent('change.cleared', z.object({})) {}

const Change = defineSaga('change', {
  ask: { input: wanted, emits: ChangeAsked },
  takeFirst: { after: 'ask', emits: FirstTaken },
  takeSecond: { after: 'takeFirst', emits: SecondTaken },
  make: { after: 'takeSecond', kind: 'pivot', emits: ChangeMade },
  clear: { after: 'make', kind: 'retriable', emits: ChangeCleared },
});

/** Makes no change of whoever is held back, until it is let go. */
@Injectable()
class ChangeSteps {
  readonly heldBack = new Set<string>();
  /** Those who fail after they took their second. */
  readonly breaking = new Set<string>();
  refused = false;

  constructor(private readonly locks: SemanticLocks) {}

  @SagaStep(Change.steps.ask)
  ask(input: z.infer<typeof wanted>): ChangeAsked {
    return new ChangeAsked(input);
  }

  @Compensates(Change.steps.ask)
  unask(): void {}

  // #region acquire
  @SagaStep(Change.steps.takeFirst)
  async takeFirst(asked: ChangeAsked, saga: StepContext): Promise<FirstTaken> {
    await this.locks.acquire(saga, asked.first, { onHeld: asked.onHeld });
    return new FirstTaken(asked);
  }
  // #endregion acquire

  @Compensates(Change.steps.takeFirst)
  untakeFirst(): void {}

  @SagaStep(Change.steps.takeSecond)
  async takeSecond(taken: FirstTaken, saga: StepContext): Promise<SecondTaken> {
    if (this.heldBack.has(taken.first)) throw new Error(`${taken.first} is held back`);
    await this.locks.acquire(saga, taken.second, { onHeld: taken.onHeld });
    if (this.breaking.has(taken.first)) throw new Error(`${taken.first} breaks`);
    return new SecondTaken(taken);
  }

  @Compensates(Change.steps.takeSecond)
  untakeSecond(): void {}

  @SagaStep(Change.steps.make)
  make(taken: SecondTaken): ChangeMade {
    if (this.refused) throw new StepRejected('no change today');
    return new ChangeMade(taken);
  }

  // #region release
  @SagaStep(Change.steps.clear)
  async clear(_made: ChangeMade, saga: StepContext): Promise<ChangeCleared> {
    await this.locks.release(saga);
    return new ChangeCleared({});
  }
  // #endregion release
}

let app: TestingModule;
let steps: ChangeSteps;
beforeEach(async () => {
  app = await startedOn(await freshDatabase(), {
    imports: [SagaTrackerModule],
    providers: [ChangeSteps],
    saga: { transport: inMemory(), retry: { retries: 1_000, firstDelay: 20, maxDelay: 20 } },
  });
  steps = app.get(ChangeSteps);
});

const begun = async (first: string, second: string, onHeld: OnHeld): Promise<string> =>
  (await app.get(Sagas).start(Change, { first, second, onHeld })).sagaId;
const statusOf = async (sagaId: string): Promise<string | undefined> =>
  (await app.get(SagaTracker).find(sagaId))?.status;
const locksHeld = async (): Promise<readonly string[]> =>
  (await app.get(DataSource).query<{ resource: string }[]>('SELECT resource FROM saga_lock ORDER BY resource')).map(
    ({ resource }) => resource,
  );

/** A saga that holds `first` and goes no further. */
async function holding(first: string, second = `${first}-other`): Promise<string> {
  steps.heldBack.add(first);
  const sagaId = await begun(first, second, 'wait');
  await eventually(async () => expect(await locksHeld()).toContain(first));
  return sagaId;
}

describe('a semantic lock', () => {
  test('is held over steps and let go by a step after the pivot', async () => {
    const sagaId = await begun('order:1', 'order:2', 'reject');
    await eventually(async () => expect(await statusOf(sagaId)).toBe('completed'));
    expect(await locksHeld()).toEqual([]);
  });

  test('ends with the undo of the step that took it', async () => {
    steps.refused = true;
    const sagaId = await begun('order:1', 'order:2', 'reject');
    await eventually(async () => expect(await statusOf(sagaId)).toBe('aborted'));
    expect(await locksHeld()).toEqual([]);
  });

  test('is taken with the transaction of its step, or not at all', async () => {
    steps.breaking.add('order:1');
    const sagaId = await begun('order:1', 'order:2', 'reject');
    const failed = `SELECT 1 FROM saga_step WHERE saga_id = '${sagaId}' AND step = 'takeSecond' AND attempts > 0`;
    await eventually(async () => expect(await app.get(DataSource).query(failed)).toHaveLength(1));
    expect(await locksHeld()).toEqual(['order:1']);
    steps.breaking.clear();
    await eventually(async () => expect(await statusOf(sagaId)).toBe('completed'));
  });

  test('that another saga holds rejects the step, with `reject`', async () => {
    const older = await holding('order:1');
    const younger = await begun('order:1', 'order:9', 'reject');
    await eventually(async () => expect(await statusOf(younger)).toBe('aborted'));
    expect(await app.get(SemanticLocks).holder('order:1')).toEqual({ sagaId: older, step: 'takeFirst' });
  });

  test('that another saga holds is waited for with `wait`, and no attempt is used up', async () => {
    const older = await holding('order:1');
    const younger = await begun('order:1', 'order:9', 'wait');
    const waiting = `SELECT attempts, last_error FROM saga_step WHERE saga_id = '${younger}' AND step = 'takeFirst'`;
    await eventually(async () => {
      const [row] = await app.get(DataSource).query<{ attempts: number; last_error: string }[]>(waiting);
      expect(row).toMatchObject({ attempts: 0, last_error: expect.stringContaining(older) as string });
    });
    steps.heldBack.clear();
    await eventually(async () => expect(await statusOf(younger)).toBe('completed'));
    expect(await statusOf(older)).toBe('completed');
  });

  test('makes way with `abortOlder`: the saga that holds it closes backwards, and the younger one goes on', async () => {
    const older = await holding('order:1');
    const younger = await begun('order:1', 'order:9', 'abortOlder');
    const cancelled = `SELECT 1 FROM saga_step WHERE saga_id = '${older}' AND step = 'make' AND status = 'cancelled'`;
    await eventually(async () => expect(await app.get(DataSource).query(cancelled)).toHaveLength(1));
    steps.heldBack.clear();
    await eventually(async () => expect(await statusOf(older)).toBe('aborted'));
    await eventually(async () => expect(await statusOf(younger)).toBe('completed'));
    expect(await locksHeld()).toEqual([]);
  });

  test('finds sagas that wait for each other: the one that came last is rejected, the other goes on', async () => {
    steps.heldBack.add('order:1').add('order:2');
    const one = await begun('order:1', 'order:2', 'wait');
    const two = await begun('order:2', 'order:1', 'wait');
    await eventually(async () => expect(await locksHeld()).toEqual(['order:1', 'order:2']));
    steps.heldBack.clear();
    await eventually(async () => {
      expect(new Set([await statusOf(one), await statusOf(two)])).toEqual(new Set(['aborted', 'completed']));
    });
    expect(await locksHeld()).toEqual([]);
  });

  test('that is waited for leaves no wait behind: who waits next removes what has ended', async () => {
    const dataSource = app.get(DataSource);
    const ended = `INSERT INTO saga_lock_wait (saga_id, resource, until)
      SELECT gen_random_uuid(), 'order:1', now() - interval '1 second' FROM generate_series(1, 1500)`;
    await dataSource.query(ended);
    await holding('order:1');
    const younger = await begun('order:1', 'order:9', 'wait');
    await eventually(async () =>
      expect(await dataSource.query('SELECT saga_id FROM saga_lock_wait')).toEqual([{ saga_id: younger }]),
    );
    steps.heldBack.clear();
    await eventually(async () => expect(await statusOf(younger)).toBe('completed'));
  });

  test.each(['', 'x'.repeat(501), 'a\0b'])('refuses a resource named %j', async (resource) => {
    await expect(app.get(SemanticLocks).holder(resource)).rejects.toMatchObject({ code: 'INVALID_RESOURCE' });
  });
});

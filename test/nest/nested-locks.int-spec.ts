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
  defineSaga,
  inMemory,
  type StepContext,
} from 'nest-saga';
import { DataSource } from 'typeorm';
import { beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { freshDatabase } from '../support/database.js';
import { startedOn } from './database-scene.js';
import { eventually } from './scene.js';

const asked = z.object({ name: z.string(), marks: z.string().optional(), parts: z.array(z.string()) });
const part = z.object({ name: z.string(), part: z.string() });

class PartSeen extends DomainEvent('marked.part.seen', part) {}
class PartMarked extends DomainEvent('marked.part.marked', part) {}
class CaseOpened extends DomainEvent('marked.case.opened', asked) {}
class PartSettled extends DomainEvent('marked.part.settled', part) {}
class CaseClosed extends DomainEvent('marked.case.closed', z.object({})) {}

const Claim = defineSaga(
  'marking-claim',
  { see: { input: part, emits: PartSeen }, mark: { after: 'see', emits: PartMarked } },
  { commits: 'withParent' },
);
const Case = defineSaga('marking-case', {
  open: { input: asked, emits: CaseOpened },
  settle: { after: 'open', each: (opened: CaseOpened) => opened.parts, saga: Claim, emits: PartSettled },
  close: { after: 'settle', kind: 'pivot', emits: CaseClosed },
});

/** Claims mark their part; parts with the same first letter are one thing. */
@Injectable()
class MarkingSteps {
  readonly heldBack = new Set<string>();

  constructor(private readonly locks: SemanticLocks) {}

  @SagaStep(Case.steps.open)
  async open(given: z.infer<typeof asked>, saga: StepContext): Promise<CaseOpened> {
    if (given.marks !== undefined) await this.locks.acquire(saga, given.marks, { onHeld: 'wait' });
    return new CaseOpened(given);
  }

  @Compensates(Case.steps.open)
  unopen(): void {}

  @SagaStep(Case.steps.settle)
  settle({ name }: CaseOpened, { branch }: StepContext): z.infer<typeof part> {
    return { name, part: branch };
  }

  @SagaStep(Claim.steps.see)
  see(given: z.infer<typeof part>): PartSeen {
    return new PartSeen(given);
  }

  @Compensates(Claim.steps.see)
  unsee(): void {}

  @SagaStep(Claim.steps.mark)
  async mark(seen: PartSeen, saga: StepContext): Promise<PartMarked> {
    if (this.heldBack.has(`${seen.name} ${seen.part}`)) throw new Error('held back');
    await this.locks.acquire(saga, seen.part.charAt(0), { onHeld: 'wait' });
    return new PartMarked(seen);
  }

  @Compensates(Claim.steps.mark)
  unmark(): void {}

  @SagaStep(Case.steps.close)
  close(): CaseClosed {
    return new CaseClosed({});
  }
}

let app: TestingModule;
let steps: MarkingSteps;
beforeEach(async () => {
  app = await startedOn(await freshDatabase(), {
    imports: [SagaTrackerModule],
    providers: [MarkingSteps],
    saga: { transport: inMemory(), retry: { retries: 1_000, firstDelay: 20, maxDelay: 20 }, circuit: 'off' },
  });
  steps = app.get(MarkingSteps);
});

const begun = async (given: z.infer<typeof asked>): Promise<string> => (await app.get(Sagas).start(Case, given)).sagaId;
const statusOf = async (sagaId: string): Promise<string | undefined> =>
  (await app.get(SagaTracker).find(sagaId))?.status;
const held = async (): Promise<readonly string[]> =>
  (await app.get(DataSource).query<{ resource: string }[]>('SELECT resource FROM saga_lock ORDER BY resource')).map(
    ({ resource }) => resource,
  );

describe('sagas inside others that would wait for ever for a semantic lock are rejected', () => {
  test('when the saga around holds it, which waits for them', async () => {
    const sagaId = await begun({ name: 'one', marks: 'x', parts: ['x'] });
    await eventually(async () => expect(await statusOf(sagaId)).toBe('aborted'));
    await eventually(async () => expect(await held()).toEqual([]));
  });

  test('when another saga inside the same one holds it, which lets go when all of them are done', async () => {
    const sagaId = await begun({ name: 'one', parts: ['x-1', 'x-2'] });
    await eventually(async () => expect(await statusOf(sagaId)).toBe('aborted'));
    await eventually(async () => expect(await held()).toEqual([]));
  });

  test('when sagas inside two others wait for each other over those: one goes on', async () => {
    steps.heldBack.add('one y').add('two x');
    const ids = [await begun({ name: 'one', parts: ['x', 'y'] }), await begun({ name: 'two', parts: ['x', 'y'] })];
    await eventually(async () => expect(await held()).toEqual(['x', 'y']));
    steps.heldBack.clear();
    await eventually(async () =>
      expect(new Set(await Promise.all(ids.map(statusOf)))).toEqual(new Set(['aborted', 'completed'])),
    );
  });
});

test('a saga inside another waits for a lock that does not depend on it', async () => {
  steps.heldBack.add('one y');
  const one = await begun({ name: 'one', parts: ['x', 'y'] });
  await eventually(async () => expect(await held()).toEqual(['x']));
  const two = await begun({ name: 'two', parts: ['x', 'z'] });
  await eventually(async () => expect(await app.get(DataSource).query('SELECT 1 FROM saga_lock_wait')).toHaveLength(1));
  await app.get(Sagas).requestAbort(one, 'nobody wants it any more');
  steps.heldBack.clear();
  await eventually(async () => expect(await statusOf(two)).toBe('completed'));
  await eventually(async () => expect(await statusOf(one)).toBe('aborted'));
});

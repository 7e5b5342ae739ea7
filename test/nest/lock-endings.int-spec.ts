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
  type StepContext,
} from 'nest-saga';
import { DataSource } from 'typeorm';
import { beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { freshDatabase } from '../support/database.js';
import { startedOn } from './database-scene.js';
import { eventually } from './scene.js';

const nothing = z.object({});
class PapersAsked extends DomainEvent('papers.asked', nothing) {}
class PapersSeen extends DomainEvent('papers.seen', nothing) {}
class TripAsked extends DomainEvent('guarded.trip.asked', nothing) {}
class LegTaken extends DomainEvent('guarded.leg.taken', nothing) {}
class LegRefused extends DomainEvent('guarded.leg.refused', z.object({ reason: z.string() })) {}
class PapersChecked extends DomainEvent('guarded.papers.checked', nothing) {}
class DeskAsked extends DomainEvent('guarded.desk.asked', nothing) {}
class TripMade extends DomainEvent('guarded.trip.made', nothing) {}

const Papers = defineSaga(
  'papers',
  { ask: { input: nothing, emits: PapersAsked }, look: { after: 'ask', emits: PapersSeen } },
  { commits: 'withParent' },
);
const Trip = defineSaga('guarded-trip', {
  ask: { input: nothing, emits: TripAsked },
  leg: { after: 'ask', each: () => ['one', 'two'], emits: LegTaken, rejected: LegRefused },
  papers: { after: 'ask', saga: Papers, emits: PapersChecked, result: () => ({}) },
  desk: { after: 'ask', awaits: 'signal', emits: DeskAsked },
  make: { after: ['leg', 'papers', 'desk'], kind: 'pivot', emits: TripMade },
});

type Held = 'leg' | 'papers' | 'desk';

/** Everyone marks the same traveler, or one of them does. */
@Injectable()
class TripSteps {
  readonly marking = new Set<Held>();
  refused: 'leg' | 'papers' | 'make' | undefined;
  stays: string | undefined;

  constructor(private readonly locks: SemanticLocks) {}

  @SagaStep(Trip.steps.ask)
  ask(): TripAsked {
    return new TripAsked({});
  }

  @Compensates(Trip.steps.ask)
  unask(): void {}

  @SagaStep(Trip.steps.leg)
  async leg(_asked: TripAsked, saga: StepContext): Promise<LegTaken | LegRefused> {
    await this.mark('leg', saga);
    return this.refused === 'leg' ? new LegRefused({ reason: 'full' }) : new LegTaken({});
  }

  @Compensates(Trip.steps.leg)
  unleg(_taken: LegTaken, { branch }: StepContext): void {
    if (this.stays === branch) throw new Error('the line is busy');
  }

  @SagaStep(Trip.steps.papers)
  async papers(_asked: TripAsked, saga: StepContext): Promise<z.infer<typeof nothing>> {
    await this.mark('papers', saga);
    return {};
  }

  @SagaStep(Papers.steps.ask)
  askPapers(): PapersAsked {
    return new PapersAsked({});
  }

  @Compensates(Papers.steps.ask)
  unaskPapers(): void {}

  @SagaStep(Papers.steps.look)
  look(): PapersSeen {
    if (this.refused === 'papers') throw new StepRejected('expired');
    return new PapersSeen({});
  }

  @Compensates(Papers.steps.look)
  unlook(): void {}

  @SagaStep(Trip.steps.desk)
  async desk(_asked: TripAsked, saga: StepContext): Promise<DeskAsked | undefined> {
    await this.mark('desk', saga);
    return this.marking.has('desk') ? undefined : new DeskAsked({});
  }

  @Compensates(Trip.steps.desk)
  undesk(): void {}

  @SagaStep(Trip.steps.make)
  make(): TripMade {
    if (this.refused === 'make') throw new StepRejected('no money');
    return new TripMade({});
  }

  private async mark(who: Held, saga: StepContext): Promise<void> {
    if (this.marking.has(who)) await this.locks.acquire(saga, 'traveler:1', { onHeld: 'reject' });
  }
}

let app: TestingModule;
let steps: TripSteps;
beforeEach(async () => {
  app = await startedOn(await freshDatabase(), {
    imports: [SagaTrackerModule],
    providers: [TripSteps],
    saga: { transport: inMemory(), retry: { retries: 1_000, firstDelay: 20, maxDelay: 20 }, circuit: 'off' },
  });
  steps = app.get(TripSteps);
});

const begun = async (): Promise<string> => (await app.get(Sagas).start(Trip, {})).sagaId;
const holder = () => app.get(SemanticLocks).holder('traveler:1');
const aborts = (sagaId: string): Promise<void> =>
  eventually(async () => expect((await app.get(SagaTracker).find(sagaId))?.status).toBe('aborted'));
const stepIs = (step: string, status: string): Promise<void> =>
  eventually(async () =>
    expect(
      await app.get(DataSource).query('SELECT 1 FROM saga_step WHERE step = $1 AND status = $2', [step, status]),
    ).toHaveLength(1),
  );

test.each(['leg', 'papers'] as const)('a lock ends when its step is refused after it took it: %s', async (who) => {
  steps.marking.add(who);
  steps.refused = who;
  await aborts(await begun());
  expect(await holder()).toBeUndefined();
});

test('a lock ends when its step is refused while it waits for somebody', async () => {
  steps.marking.add('desk');
  const sagaId = await begun();
  await stepIs('desk', 'running');
  await eventually(async () => expect(await holder()).toEqual({ sagaId, step: 'desk' }));
  await app.get(Sagas).requestAbort(sagaId, 'changed my mind');
  await aborts(sagaId);
  expect(await holder()).toBeUndefined();
});

test.each(['one', 'two'])('what all branches took is held until the last of them is undone: %s', async (last) => {
  steps.marking.add('leg').add('papers');
  Object.assign(steps, { refused: 'make', stays: last });
  const sagaId = await begun();
  await stepIs(last === 'one' ? 'leg[two]' : 'leg[one]', 'compensated');
  await stepIs('papers', 'compensated');
  expect(await holder()).toEqual({ sagaId, step: `leg[${last}]` });
  steps.stays = undefined;
  await aborts(sagaId);
  expect(await holder()).toBeUndefined();
});

import { Injectable } from '@nestjs/common';
import type { TestingModule } from '@nestjs/testing';
import { getRepositoryToken, InjectRepository } from '@nestjs/typeorm';
import {
  Compensates,
  DomainEvent,
  OnSagaEvent,
  SagaStep,
  SagaTrackerModule,
  Sagas,
  defineSaga,
  type CompensationContext,
  type StepContext,
  type TrackedSaga,
} from 'nest-saga';
import type { Repository } from 'typeorm';
import { beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { freshDatabase } from '../support/database.js';
import { Note, startedOn } from './database-scene.js';
import { eventually } from './scene.js';

const trip = z.object({ traveler: z.string(), legs: z.array(z.object({ name: z.string(), full: z.boolean() })) });
class TripRequested extends DomainEvent('trip.requested', trip) {}
class TripMarkedFailed extends DomainEvent('trip.marked.failed', z.object({ traveler: z.string() })) {}
const leg = z.object({ leg: z.string(), seat: z.string() });
class LegReserved extends DomainEvent('leg.reserved', leg) {}
class LegRejected extends DomainEvent('leg.rejected', z.object({ leg: z.string(), reason: z.string() })) {}
class LegReleased extends DomainEvent('leg.released', leg) {}
class TripConfirmed extends DomainEvent('trip.confirmed', z.object({ seats: z.record(z.string(), z.string()) })) {}

// #region definition
const Travel = defineSaga('travel', {
  requestTrip: { input: trip, emits: TripRequested, compensated: TripMarkedFailed },
  reserveLeg: {
    after: 'requestTrip',
    each: (requested: TripRequested) => requested.legs.map(({ name }) => name),
    emits: LegReserved,
    rejected: LegRejected,
    compensated: LegReleased,
  },
  confirmTrip: { after: 'reserveLeg', kind: 'pivot', emits: TripConfirmed },
});
// #endregion definition

@Injectable()
class Steps {
  private refused = false;

  constructor(@InjectRepository(Note) private readonly notes: Repository<Note>) {}

  @SagaStep(Travel.steps.requestTrip)
  request(given: z.infer<typeof trip>): TripRequested {
    return new TripRequested(given);
  }

  @Compensates(Travel.steps.requestTrip)
  fail({ traveler }: TripRequested): TripMarkedFailed {
    return new TripMarkedFailed({ traveler });
  }

  // #region method
  @SagaStep(Travel.steps.reserveLeg, { retry: { retries: 50, firstDelay: 5, maxDelay: 20 } })
  async reserve(requested: TripRequested, saga: StepContext): Promise<LegReserved | LegRejected> {
    const wanted = requested.legs.find(({ name }) => name === saga.branch)!;
    if (wanted.full) return new LegRejected({ leg: saga.branch, reason: 'full' });
    this.waitUnlessRefused(saga.branch);
    await this.notes.insert({ text: `reserved ${saga.branch}` });
    return new LegReserved({ leg: saga.branch, seat: `${saga.branch}-1A` });
  }

  @Compensates(Travel.steps.reserveLeg)
  async release(reserved: LegReserved, saga: CompensationContext): Promise<LegReleased> {
    await this.notes.insert({ text: `released ${saga.branch}` });
    return new LegReleased(reserved);
  }

  @SagaStep(Travel.steps.confirmTrip)
  confirm(legs: Readonly<Record<string, LegReserved>>): TripConfirmed {
    const seats = Object.entries(legs).map(([name, { seat }]) => [name, seat]);
    return new TripConfirmed({ seats: Object.fromEntries(seats) as Record<string, string> });
  }
  // #endregion method

  @OnSagaEvent(LegReserved)
  async heard(reserved: LegReserved, saga: StepContext): Promise<void> {
    if (reserved.leg === 'rail' || reserved.leg === 'ship') await this.notes.insert({ text: `heard ${saga.branch}` });
  }

  @OnSagaEvent(LegRejected)
  refusal(): void {
    this.refused = true;
  }

  /** A slow leg is still tried while another one is refused. */
  private waitUnlessRefused(branch: string): void {
    if (branch.startsWith('slow') && !this.refused) throw new Error('the airline is slow');
  }
}

let app: TestingModule;
beforeEach(async () => {
  app = await startedOn(await freshDatabase(), { providers: [Steps], imports: [SagaTrackerModule] });
});

const free = (name: string) => ({ name, full: false });

async function travelled(legs: z.infer<typeof trip>['legs']): Promise<TrackedSaga> {
  const { sagaId } = await app.get(Sagas).start(Travel, { traveler: 'ann', legs });
  return app.get(Sagas).settled(sagaId, { timeout: 20_000 });
}

const notes = async (): Promise<readonly string[]> =>
  (await app.get<Repository<Note>>(getRepositoryToken(Note)).find()).map(({ text }) => text);

test.each([0, 1, 3])('a saga of %i branches completes, and its join has them by name', async (width) => {
  const names = ['flight', 'hotel', 'car:1'].slice(0, width);
  const saga = await travelled(names.map(free));
  expect(saga).toMatchObject({ status: 'completed', branches: { reserveLeg: names }, inconsistencies: [] });
  expect(saga.steps).toEqual({
    requestTrip: 'done',
    ...Object.fromEntries(names.map((name) => [`reserveLeg[${name}]`, 'done'])),
    confirmTrip: 'done',
  });
  const confirmed = saga.history.find(({ step }) => step === 'confirmTrip');
  expect(confirmed?.data).toEqual({ seats: Object.fromEntries(names.map((name) => [name, `${name}-1A`])) });
  expect((await notes()).toSorted()).toEqual(names.map((name) => `reserved ${name}`).toSorted());
});

test('when one branch is refused while the others run, these are undone, and the source after all of them', async () => {
  const saga = await travelled([free('slow:1'), { name: 'full', full: true }, free('slow:2')]);
  expect(saga).toMatchObject({
    status: 'aborted',
    steps: {
      requestTrip: 'compensated',
      'reserveLeg[slow:1]': 'compensated',
      'reserveLeg[full]': 'rejected',
      'reserveLeg[slow:2]': 'compensated',
      confirmTrip: 'cancelled',
    },
    inconsistencies: [],
    debts: [],
  });
  const told = saga.history.map(({ step, outcome }) => `${step} ${outcome}`);
  expect(told.at(-1)).toBe('requestTrip compensated');
  expect((await notes()).toSorted()).toEqual([
    'released slow:1',
    'released slow:2',
    'reserved slow:1',
    'reserved slow:2',
  ]);
});

test('names that cannot be fail the start, and nothing is left behind', async () => {
  await expect(
    app.get(Sagas).start(Travel, { traveler: 'ann', legs: [free('flight'), free('flight')] }),
  ).rejects.toThrow('gives step "reserveLeg" no branches that can be: "flight" is there twice');
  const { manager } = app.get<Repository<Note>>(getRepositoryToken(Note));
  expect(await manager.query('SELECT count(*)::integer AS rows FROM saga_step')).toEqual([{ rows: 0 }]);
});

test('a listener hears every branch once, and is told which', async () => {
  await travelled([free('rail'), free('ship')]);
  await eventually(async () =>
    expect((await notes()).toSorted()).toEqual(['heard rail', 'heard ship', 'reserved rail', 'reserved ship']),
  );
});

test('branches are stored with every row of the saga', async () => {
  const { sagaId } = await travelled([free('flight')]);
  const { manager } = app.get<Repository<Note>>(getRepositoryToken(Note));
  const rows: unknown = await manager.query('SELECT step, branches FROM saga_step WHERE saga_id = $1 ORDER BY step', [
    sagaId,
  ]);
  const branches = { reserveLeg: ['flight'] };
  expect(rows).toEqual(
    expect.arrayContaining(['confirmTrip', 'requestTrip', 'reserveLeg[flight]'].map((step) => ({ step, branches }))),
  );
});

import { SagaOperator, type TrackedSaga } from 'nest-saga';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../e2e/rows.js';
import { eventually } from '../nest/scene.js';
import { disturbances, undisturbed, type Disturbance } from './disturbances.js';
import { MailHouse } from './mail-house.js';
import { Registration, RegistrationMailLast } from './registration.saga.js';
import { AccountSteps, DashboardSteps, MailClient, MailSteps, Seats } from './registration.steps.js';
import { Services } from './services.js';

const patience = { timeout: 60_000 };
const retry = { retries: 3, firstDelay: 20, maxDelay: 100, jitter: 0 };
const olga = { actor: 'olga', reason: 'the user was called' };

let house: MailHouse;
let seats: Seats;
beforeEach(async () => {
  house = await MailHouse.open();
  seats = new Seats();
});
afterEach(() => house.close());

type World = Services<'accounts' | 'mail' | 'dashboards'>;

async function started(disturbance: Disturbance): Promise<World> {
  const client = { provide: MailClient, useValue: new MailClient(house.url) };
  const entities: [] = [];
  const world = await Services.of(
    {
      accounts: { entities, providers: [AccountSteps], tracks: true },
      mail: { entities, providers: [MailSteps, client], saga: { retry } },
      dashboards: { entities, providers: [DashboardSteps, { provide: Seats, useValue: seats }] },
    },
    disturbance,
  );
  await world.start(...world.names);
  return world;
}

const ann = { userId: 'ann', address: 'ann@example.com' };

/** A registration whose welcome is in the hands of the mail house. */
async function welcomed(world: World): Promise<string> {
  const { sagaId } = await world.sagas.start(Registration, ann);
  await until('the mail house has the welcome', async () => house.mails.length > 0);
  return sagaId;
}

/** The history of a saga, once the tracker has it all: an aborted saga is known by its last event, and others may come later. */
async function historyOf(world: World, sagaId: string): Promise<TrackedSaga['history']> {
  return until('the tracker has all events', async () => {
    const history = (await world.sagas.status(sagaId))?.history ?? [];
    return history.length === 5 && history;
  });
}

async function settledAfter(world: World, sagaId: string, free: boolean): Promise<TrackedSaga> {
  seats.free = free;
  return world.settled(sagaId);
}

describe.each(disturbances)('scenario 4, a mail that cannot be unsent, $name', (disturbance) => {
  test('all is well: one mail, nothing to correct', patience, async () => {
    const world = await started(disturbance);
    const tracked = await settledAfter(world, await welcomed(world), true);
    expect(tracked).toMatchObject({ status: 'completed', inconsistencies: [] });
    expect(house.mails).toMatchObject([{ state: 'sent' }]);
    expect(await world.journal()).toEqual(['ann registered']);
  });

  test('it went out: one correction that quotes it, then the user is deactivated', patience, async () => {
    const world = await started(disturbance);
    const sagaId = await welcomed(world);
    const tracked = await settledAfter(world, sagaId, false);
    expect(tracked).toMatchObject({ status: 'aborted', inconsistencies: [], debts: [] });
    const history = await historyOf(world, sagaId);
    expect(history.map(({ type }) => type)).toEqual([
      'user.registered',
      'welcome.sent',
      'dashboard.rejected',
      'welcome.corrected',
      'user.deactivated',
    ]);
    expect(history[3]!.data).toMatchObject({ mailId: 'mail-1', by: 'correction' });
    expect(house.mails).toMatchObject([
      { id: 'mail-1', key: `${sagaId}:welcome` },
      { quotes: 'mail-1', key: `${sagaId}:welcome:undo`, state: 'sent' },
    ]);
    expect(await world.journal()).toEqual(['ann registered', 'ann deactivated']);
  });

  test('it is still queued: it is suppressed, and nothing is corrected', patience, async () => {
    house.queues = true;
    const world = await started(disturbance);
    const sagaId = await welcomed(world);
    const tracked = await settledAfter(world, sagaId, false);
    expect(tracked).toMatchObject({ status: 'aborted', inconsistencies: [], debts: [] });
    expect((await historyOf(world, sagaId))[3]!.data).toMatchObject({ mailId: 'mail-1', by: 'suppression' });
    house.emptyQueue();
    expect(house.mails).toMatchObject([{ id: 'mail-1', state: 'suppressed' }]);
    expect(await world.journal()).toEqual(['ann registered', 'ann deactivated']);
  });

  test(
    'the correction bounces 4 times: a dead letter, the user stays; waived, also over a restart, the chain goes on and the debt is noted',
    patience,
    async () => {
      house.bounces = 'corrections';
      const world = await started(disturbance);
      const sagaId = await welcomed(world);
      seats.free = false;
      await world.struck();
      await eventually(async () =>
        expect(await world.sagas.status(sagaId)).toMatchObject({ status: 'needsIntervention', debts: ['welcome'] }),
      );
      await world.restart('mail');
      const operator = world.get('mail', SagaOperator);
      expect(await operator.deadLetters({ state: 'open' })).toMatchObject([
        { kind: 'compensation', sagaId, step: 'welcome', reason: 'ann@example.com bounced', details: { attempts: 4 } },
      ]);
      expect(house.asked.filter((key) => key === `${sagaId}:welcome:undo`)).toHaveLength(4);
      expect(await world.journal()).toEqual(['ann registered']);

      const word = { sagaId, step: 'welcome', ...olga };
      const answers = await Promise.all([operator.waive(word), operator.waive(word)]);
      expect(answers.map(({ verdict }) => verdict).toSorted()).toEqual(['alreadyApplied', 'applied']);
      expect(await world.settled(sagaId)).toMatchObject({
        status: 'aborted',
        debts: ['welcome'],
        inconsistencies: [],
      });
      expect(house.corrections).toEqual([]);
      expect(await world.journal()).toEqual(['ann registered', 'ann deactivated']);
    },
  );

  test('in another order, the mail last, a refusal leaves nothing to correct', patience, async () => {
    const world = await started(disturbance);
    const { sagaId } = await world.sagas.start(RegistrationMailLast, ann);
    seats.free = false;
    const end = { status: 'aborted', steps: { welcome: 'cancelled' }, inconsistencies: [] };
    await eventually(async () => expect(await world.sagas.status(sagaId)).toMatchObject(end));
    expect(house.asked).toEqual([]);
    expect(await world.journal()).toEqual(['ann registered', 'ann deactivated']);
  });
});

describe('a correction', () => {
  test('whose answer is lost is sent again under its key, and went out once', patience, async () => {
    house.loses = 2;
    const world = await started(undisturbed);
    const sagaId = await welcomed(world);
    const tracked = await settledAfter(world, sagaId, false);
    expect(tracked).toMatchObject({ status: 'aborted', steps: { welcome: 'compensated' }, inconsistencies: [] });
    expect(house.asked.filter((key) => key === `${sagaId}:welcome:undo`)).toHaveLength(3);
    expect(house.corrections).toHaveLength(1);
  });

  test(
    'is never made of a mail that bounced: the step is rejected at once, and the user deactivated',
    patience,
    async () => {
      house.bounces = 'all';
      const world = await started(undisturbed);
      const { sagaId } = await world.sagas.start(Registration, ann);
      const tracked = await world.settled(sagaId);
      expect(tracked).toMatchObject({
        status: 'aborted',
        steps: { register: 'compensated', welcome: 'rejected', createDashboard: 'cancelled' },
        inconsistencies: [],
      });
      expect(house.asked).toEqual([`${sagaId}:welcome`]);
    },
  );
});

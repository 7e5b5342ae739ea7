import { SagaOperator, type TrackedSaga } from 'nest-saga';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../e2e/rows.js';
import { eventually } from '../nest/scene.js';
import { MailHouse } from './mail-house.js';
import { Registration, RegistrationMailLast } from './registration.saga.js';
import { AccountSteps, DashboardSteps, MailClient, MailSteps, Seats } from './registration.steps.js';
import { World, inOrder, manners, type Manner } from './world.js';

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

type Services = 'accounts' | 'mail' | 'dashboards';

function started(manner: Manner): Promise<World<Services>> {
  const client = { provide: MailClient, useValue: new MailClient(house.url) };
  return World.start(
    {
      accounts: { providers: [AccountSteps], tracks: true },
      mail: { providers: [MailSteps, client], saga: { retry } },
      dashboards: { providers: [DashboardSteps, { provide: Seats, useValue: seats }] },
    },
    manner,
  );
}

const ann = { userId: 'ann', address: 'ann@example.com' };
const typesOf = ({ history }: TrackedSaga): readonly string[] => history.map(({ type }) => type);

/** A registration whose welcome is in the hands of the mail house. */
async function welcomed(world: World<Services>): Promise<string> {
  const { sagaId } = await world.sagas.start(Registration, ann);
  await world.passes('accounts', 'mail');
  await until('the mail house has the welcome', async () => house.mails.length > 0);
  return sagaId;
}

async function settledAfter(world: World<Services>, sagaId: string, free: boolean): Promise<TrackedSaga> {
  seats.free = free;
  await world.passes('dashboards');
  return world.sagas.settled(sagaId, patience);
}

describe.each(manners)('scenario 4, a mail that cannot be unsent, $name', (manner) => {
  test('all is well: one mail, nothing to correct', patience, async () => {
    const world = await started(manner);
    const tracked = await settledAfter(world, await welcomed(world), true);
    expect(tracked).toMatchObject({ status: 'completed', inconsistencies: [] });
    expect(house.mails).toMatchObject([{ state: 'sent' }]);
    expect(await world.notes('accounts')).toEqual(['ann registered']);
  });

  test('it went out: one correction that quotes it, then the user is deactivated', patience, async () => {
    const world = await started(manner);
    const sagaId = await welcomed(world);
    const tracked = await settledAfter(world, sagaId, false);
    expect(tracked).toMatchObject({ status: 'aborted', inconsistencies: [], debts: [] });
    expect(typesOf(tracked)).toEqual([
      'user.registered',
      'welcome.sent',
      'dashboard.rejected',
      'welcome.corrected',
      'user.deactivated',
    ]);
    expect(tracked.history[3]!.data).toMatchObject({ mailId: 'mail-1', by: 'correction' });
    expect(house.mails).toMatchObject([
      { id: 'mail-1', key: `${sagaId}:welcome` },
      { quotes: 'mail-1', key: `${sagaId}:welcome:undo`, state: 'sent' },
    ]);
    expect(await world.notes('accounts')).toEqual(['ann registered', 'ann deactivated']);
  });

  test('it is still queued: it is suppressed, and nothing is corrected', patience, async () => {
    house.queues = true;
    const world = await started(manner);
    const tracked = await settledAfter(world, await welcomed(world), false);
    expect(tracked).toMatchObject({ status: 'aborted', inconsistencies: [], debts: [] });
    expect(tracked.history[3]!.data).toMatchObject({ mailId: 'mail-1', by: 'suppression' });
    house.emptyQueue();
    expect(house.mails).toMatchObject([{ id: 'mail-1', state: 'suppressed' }]);
    expect(await world.notes('accounts')).toEqual(['ann registered', 'ann deactivated']);
  });

  test(
    'the correction bounces 4 times: a dead letter, the user stays; waived, also over a restart, the chain goes on and the debt is noted',
    patience,
    async () => {
      house.bounces = 'corrections';
      const world = await started(manner);
      const sagaId = await welcomed(world);
      seats.free = false;
      await world.passes('dashboards');
      await eventually(async () =>
        expect(await world.sagas.status(sagaId)).toMatchObject({ status: 'needsIntervention', debts: ['welcome'] }),
      );
      await world.restart('mail');
      const operator = world.get('mail', SagaOperator);
      expect(await operator.deadLetters({ state: 'open' })).toMatchObject([
        { kind: 'compensation', sagaId, step: 'welcome', reason: 'ann@example.com bounced', details: { attempts: 4 } },
      ]);
      expect(house.asked.filter((key) => key === `${sagaId}:welcome:undo`)).toHaveLength(4);
      expect(await world.notes('accounts')).toEqual(['ann registered']);

      const word = { sagaId, step: 'welcome', ...olga };
      const answers = await Promise.all([operator.waive(word), operator.waive(word)]);
      expect(answers.map(({ verdict }) => verdict).toSorted()).toEqual(['alreadyApplied', 'applied']);
      expect(await world.sagas.settled(sagaId, patience)).toMatchObject({
        status: 'aborted',
        debts: ['welcome'],
        inconsistencies: [],
      });
      expect(house.corrections).toEqual([]);
      expect(await world.notes('accounts')).toEqual(['ann registered', 'ann deactivated']);
    },
  );

  test('in another order, the mail last, a refusal leaves nothing to correct', patience, async () => {
    const world = await started(manner);
    const { sagaId } = await world.sagas.start(RegistrationMailLast, ann);
    await world.passes('accounts');
    seats.free = false;
    await world.passes('dashboards', 'mail');
    const end = { status: 'aborted', steps: { welcome: 'cancelled' }, inconsistencies: [] };
    await eventually(async () => expect(await world.sagas.status(sagaId)).toMatchObject(end));
    expect(house.asked).toEqual([]);
    expect(await world.notes('accounts')).toEqual(['ann registered', 'ann deactivated']);
  });
});

describe('a correction', () => {
  test('whose answer is lost is sent again under its key, and went out once', patience, async () => {
    house.loses = 2;
    const world = await started(inOrder);
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
      const world = await started(inOrder);
      const { sagaId } = await world.sagas.start(Registration, ann);
      const tracked = await world.sagas.settled(sagaId, patience);
      expect(tracked).toMatchObject({
        status: 'aborted',
        steps: { register: 'compensated', welcome: 'rejected', createDashboard: 'cancelled' },
        inconsistencies: [],
      });
      expect(house.asked).toEqual([`${sagaId}:welcome`]);
    },
  );
});

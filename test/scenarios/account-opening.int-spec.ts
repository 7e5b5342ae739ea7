import type { TestingModule } from '@nestjs/testing';
import { getRepositoryToken } from '@nestjs/typeorm';
import { SagaTrackerModule, Sagas, inMemory, type SagaModuleOptions, type TrackedSaga } from 'nest-saga';
import type { Repository } from 'typeorm';
import { beforeEach, describe, expect, test } from 'vitest';
import { outliving, twiceAndShuffled } from '../e2e/faults.js';
import { until } from '../e2e/rows.js';
import { Note, startedOn } from '../nest/database-scene.js';
import { eventually } from '../nest/scene.js';
import { freshDatabase } from '../support/database.js';
import { AccountOpening } from './account-opening.saga.js';
import { BankSteps, DeskSteps, RegistrySteps } from './account-opening.steps.js';

type Factory = SagaModuleOptions['transport'];

const patience = { timeout: 60_000 };
const services = { bank: BankSteps, registry: RegistrySteps, desk: DeskSteps };
type Name = keyof typeof services;

/** Three services, each with a database of its own. */
class World {
  readonly apps = {} as Record<Name, TestingModule>;
  private readonly databases = {} as Record<Name, string>;
  private readonly transport: Factory;

  constructor(through: (factory: Factory) => Factory) {
    this.transport = through(inMemory());
  }

  async start(name: Name): Promise<void> {
    this.databases[name] ??= await freshDatabase();
    this.apps[name] = await startedOn(this.databases[name], {
      providers: [services[name]],
      imports: name === 'bank' ? [SagaTrackerModule] : [],
      saga: { service: name, transport: this.transport },
    });
  }

  async restart(name: Name): Promise<void> {
    await this.apps[name].close();
    await this.start(name);
  }

  get sagas(): Sagas {
    return this.apps.bank.get(Sagas);
  }

  get desk(): DeskSteps {
    return this.apps.desk.get(DeskSteps);
  }

  async notes(name: Name): Promise<readonly string[]> {
    return (await this.table(name).find({ order: { id: 'ASC' } })).map(({ text }) => text);
  }

  /** An application that is on the desk. */
  async onTheDesk(applicationId: string): Promise<string> {
    const { sagaId } = await this.sagas.start(AccountOpening, { applicationId });
    const isThere = async (): Promise<boolean> => (await this.notes('desk')).some((note) => note.endsWith(sagaId));
    await until('the application is on the desk', isThere);
    return sagaId;
  }

  /** The 72 hours, or what else a service waits for, are over. */
  async letEnd(name: Name, kind: 'deadline' | 'reservation' | 'sagaDeadline'): Promise<void> {
    await this.table(name).manager.query(`UPDATE saga_timer SET due_at = now() WHERE kind = $1`, [kind]);
  }

  timers(name: Name): Promise<readonly { readonly kind: string; readonly hours: number }[]> {
    const sql = `SELECT kind, round(extract(epoch FROM due_at - now()) / 3600)::integer AS hours FROM saga_timer ORDER BY kind`;
    return this.table(name).manager.query(sql);
  }

  private table(name: Name): Repository<Note> {
    return this.apps[name].get<Repository<Note>>(getRepositoryToken(Note));
  }
}

const opened = ['x submitted', 'x has an account reserved', 'DE-x activated'];
const undone = (why: string): readonly string[] => [
  'x submitted',
  'x has an account reserved',
  'x has its account released',
  `x failed: ${why}`,
];
const decisions = ({ history }: TrackedSaga): readonly string[] =>
  history.filter(({ step }) => step === 'approve').map(({ type }) => type);

describe.each([
  ['every event once and in order', (factory: Factory) => factory],
  ['every event twice, late and in reversed order', (factory: Factory) => twiceAndShuffled(outliving(factory))],
] as const)('scenario 3, opening an account, %s', (_manner, through) => {
  let world: World;
  beforeEach(() => {
    world = new World(through);
  });
  const begun = async (): Promise<string> => {
    for (const name of Object.keys(services) as Name[]) await world.start(name);
    return world.onTheDesk('x');
  };

  test('a person approves: the account is opened, and nothing is left to expire', patience, async () => {
    const sagaId = await begun();
    expect(await world.timers('bank')).toEqual([
      { kind: 'reservation', hours: 96 },
      { kind: 'sagaDeadline', hours: 120 },
    ]);
    expect(await world.timers('desk')).toEqual([{ kind: 'deadline', hours: 72 }]);
    expect(await world.desk.decide(sagaId, 'DE-x', 'ann', true)).toBe('thank you');
    expect(await world.sagas.settled(sagaId, patience)).toMatchObject({ status: 'completed', inconsistencies: [] });
    expect(await world.notes('bank')).toEqual(opened);
    expect(await world.notes('registry')).toEqual(['DE-x welcomed']);
    await eventually(async () => expect([await world.timers('bank'), await world.timers('desk')]).toEqual([[], []]));
  });

  test('a person refuses: the account is released and the application marked', patience, async () => {
    const sagaId = await begun();
    expect(await world.desk.decide(sagaId, 'DE-x', 'bob', false)).toBe('thank you');
    const tracked = await world.sagas.settled(sagaId, patience);
    expect(tracked).toMatchObject({ status: 'aborted', inconsistencies: [] });
    expect(decisions(tracked)).toEqual(['approval.denied']);
    expect(await world.notes('bank')).toEqual(undone('approve: no income'));
  });

  test(
    'nobody answers for 72 hours, while the desk is closed: it expires when it opens, and the click is told',
    patience,
    async () => {
      const sagaId = await begun();
      await world.letEnd('desk', 'deadline');
      await world.restart('desk');
      const tracked = await world.sagas.settled(sagaId, patience);
      expect(tracked).toMatchObject({ status: 'aborted', inconsistencies: [] });
      expect(decisions(tracked)).toEqual(['account-opening.approve.rejected']);
      expect(await world.notes('bank')).toEqual(undone('approve: deadline exceeded'));
      expect(await world.desk.decide(sagaId, 'DE-x', 'ann', true)).toBe('too late: expired');
    },
  );

  test(
    'the click and the expiry in the same second: exactly one of them, and the loser is told',
    patience,
    async () => {
      const sagaId = await begun();
      await world.letEnd('desk', 'deadline');
      const told = await world.desk.decide(sagaId, 'DE-x', 'ann', true);
      const tracked = await world.sagas.settled(sagaId, patience);
      const granted = tracked.status === 'completed';
      expect(told).toBe(granted ? 'thank you' : 'too late: expired');
      expect(decisions(tracked)).toEqual([granted ? 'approval.granted' : 'account-opening.approve.rejected']);
      expect(await world.notes('bank')).toEqual(granted ? opened : undone('approve: deadline exceeded'));
    },
  );

  test.each([
    ['reservation', 'reserveAccount: reservation of "reserveAccount" expired', 'too late: decided'],
    ['sagaDeadline', 'deadline: deadline exceeded', 'too late: expired'],
  ] as const)('the %s ends first: the desk gives up and everything is undone', patience, async (kind, why, late) => {
    const sagaId = await begun();
    await world.letEnd('bank', kind);
    expect(await world.sagas.abortOutcome(sagaId, patience)).toBe('closing');
    expect(await world.sagas.settled(sagaId, patience)).toMatchObject({ status: 'aborted', inconsistencies: [] });
    expect(await world.notes('bank')).toEqual(undone(why));
    expect(await world.desk.decide(sagaId, 'DE-x', 'ann', true)).toBe(late);
  });

  test('the applicant withdraws: before the decision it is undone, after it the answer is no', patience, async () => {
    const withdrawn = await begun();
    expect(await world.sagas.requestAbort(withdrawn, 'changed my mind')).toBe('requested');
    expect(await world.sagas.settled(withdrawn, patience)).toMatchObject({ status: 'aborted', inconsistencies: [] });
    expect(await world.notes('bank')).toEqual(undone('abort: changed my mind'));
    const sagaId = await world.onTheDesk('y');
    await world.desk.decide(sagaId, 'DE-y', 'ann', true);
    await world.sagas.settled(sagaId, patience);
    expect(await world.sagas.requestAbort(sagaId, 'changed my mind')).toBe('refused');
    expect(await world.sagas.abortOutcome(sagaId, patience)).toBe('committed');
  });

  test('nobody of that name is known: nothing is reserved and nobody asked', patience, async () => {
    await begun();
    const { sagaId } = await world.sagas.start(AccountOpening, { applicationId: 'nobody' });
    expect(await world.sagas.settled(sagaId, patience)).toMatchObject({ status: 'aborted', inconsistencies: [] });
    const ofNobody = (await world.notes('bank')).filter((note) => note.startsWith('nobody'));
    expect(ofNobody).toEqual(['nobody submitted', 'nobody failed: verifyIdentity: nobody of this name']);
    expect(await world.desk.decide(sagaId, 'DE-nobody', 'ann', true)).toBe('too late: decided');
  });
});

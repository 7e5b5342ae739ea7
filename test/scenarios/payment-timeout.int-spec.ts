import type { TestingModule } from '@nestjs/testing';
import { inMemory, SagaOperator, Sagas, SagaTrackerModule, type SagaModuleOptions } from 'nest-saga';
import { DataSource } from 'typeorm';
import { eventually } from '../nest/scene.js';
import { startedOn } from '../nest/database-scene.js';
import { freshDatabase } from '../support/database.js';
import { PaymentGateway } from './payment-gateway.js';
import { chargingAndAsking, chargingAt, Subscriptions, Upgrade } from './subscription.js';

const retry = { retries: 3, firstDelay: 50, maxDelay: 200, jitter: 0 };
const settling = { timeout: 30_000 };

let gateway: PaymentGateway;
let transport: SagaModuleOptions['transport'];
let billingUrl: string;
let sagas: Sagas;
let subscriptions: TestingModule;
beforeEach(async () => {
  gateway = await PaymentGateway.open();
  transport = inMemory();
  billingUrl = await freshDatabase();
  subscriptions = await startedOn(await freshDatabase(), {
    providers: [Subscriptions],
    imports: [SagaTrackerModule],
    saga: { service: 'subscriptions', transport },
  });
  sagas = subscriptions.get(Sagas);
});
afterEach(() => gateway.close());

function billing(steps: ReturnType<typeof chargingAt>, saga: Partial<SagaModuleOptions> = {}): Promise<TestingModule> {
  return startedOn(billingUrl, { providers: [steps], saga: { service: 'billing', transport, retry, ...saga } });
}

const start = async (customer = 'ann'): Promise<string> => (await sagas.start(Upgrade, { customer })).sagaId;
const plans = (): Promise<unknown[]> => subscriptions.get(DataSource).query('SELECT text FROM note');
const rowOf = async (app: TestingModule, sagaId: string): Promise<Record<string, unknown>> => {
  const rows = await app
    .get(DataSource)
    .query<Record<string, unknown>[]>('SELECT * FROM saga_step WHERE saga_id = $1', [sagaId]);
  return rows[0]!;
};
/** Resolves when the saga is older than its deadline and its abort was requested. */
const overdue = (sagaId: string): Promise<void> =>
  eventually(async () => {
    const tracked = await sagas.status(sagaId);
    expect(tracked?.history.map(({ outcome }) => outcome)).toContain('abortRequested');
  });

describe('scenario 9: the payment gateway does not answer', () => {
  test('(a) it was captured: never rejected while unknown, completed once known, a late abort refused', async () => {
    gateway.charges = 'charges in silence';
    gateway.knows = false;
    const app = await billing(chargingAndAsking(gateway));
    const sagaId = await start();
    await overdue(sagaId);
    await eventually(async () => expect(await rowOf(app, sagaId)).toMatchObject({ undecided: { earlier: true } }));
    expect(await sagas.status(sagaId)).toMatchObject({ status: 'running', steps: { upgrade: 'done' } });
    gateway.knows = true;
    expect(await sagas.settled(sagaId, settling)).toMatchObject({ status: 'completed', inconsistencies: [] });
    expect(await sagas.requestAbort(sagaId, 'changed my mind')).toBe('refused');
    expect(gateway.charged).toEqual([`${sagaId}:charge`]);
    expect(await plans()).toEqual([{ text: 'ann: premium' }]);
  });

  test('(b) it never arrived: rejected once that is known, and the upgrade is reverted', async () => {
    gateway.charges = 'loses them';
    gateway.knows = false;
    await billing(chargingAndAsking(gateway));
    const sagaId = await start();
    await overdue(sagaId);
    expect(await sagas.status(sagaId)).toMatchObject({ status: 'running' });
    gateway.knows = true;
    expect(await sagas.settled(sagaId, settling)).toMatchObject({
      status: 'aborted',
      steps: { upgrade: 'compensated', charge: 'rejected' },
      inconsistencies: [],
    });
    expect(gateway.charged).toEqual([]);
    expect(await plans()).toEqual([]);
  });

  test('with nobody to ask it is attempted again under the same key, and charged once', async () => {
    gateway.charges = 'charges in silence';
    await billing(chargingAt(gateway));
    await billing(chargingAt(gateway));
    const sagaId = await start();
    await eventually(() => expect(gateway.calls).toHaveLength(1));
    gateway.charges = 'answers';
    expect(await sagas.settled(sagaId, settling)).toMatchObject({ status: 'completed' });
    expect(gateway.calls).toEqual([`${sagaId}:charge`, `${sagaId}:charge`]);
    expect(gateway.charged).toHaveLength(1);
  });

  test('nobody ever knows: it is parked, stays so over a restart, and an operator decides', async () => {
    gateway.charges = 'charges in silence';
    const first = await billing(chargingAt(gateway, 100));
    const sagaId = await start();
    const reason = expect.stringMatching(/^the gateway did not answer; caused by: .*timeout/) as string;
    const parked = [{ saga: 'subscription-upgrade', step: 'charge', sagaId, reason }];
    await eventually(async () => expect((await first.get(Sagas).health()).parked).toMatchObject(parked));
    await first.close();
    gateway.charges = 'answers';
    const next = await billing(chargingAt(gateway));
    await overdue(sagaId);
    expect((await next.get(Sagas).health()).parked).toMatchObject(parked);
    expect(gateway.calls).toHaveLength(4);
    expect(await sagas.status(sagaId)).toMatchObject({ status: 'running' });
    const said = { actor: 'olga', reason: 'found it in the books', event: { customer: 'ann' } };
    await next.get(SagaOperator).resolve({ sagaId, step: 'charge', as: 'done', ...said });
    expect(await sagas.settled(sagaId, settling)).toMatchObject({ status: 'completed' });
    expect((await next.get(Sagas).health()).parked).toEqual([]);
    expect(gateway.charged).toHaveLength(1);
  });

  test('a service is lost between the charge and its record: a replica asks, and charges nothing', async () => {
    gateway.charges = 'charges in silence';
    const lost = await billing(chargingAndAsking(gateway, 60_000), { settings: { lease: 1_000 } });
    const sagaId = await start();
    await eventually(() => expect(gateway.charged).toEqual([`${sagaId}:charge`]));
    await lost.get(DataSource).destroy();
    await billing(chargingAndAsking(gateway), { settings: { lease: 1_000 } });
    expect(await sagas.settled(sagaId, settling)).toMatchObject({ status: 'completed' });
    expect(gateway.calls).toHaveLength(1);
  });

  test('its circuit is open: health says so, nothing is charged, and the deadline ends the sagas', async () => {
    gateway.charges = 'breaks';
    const circuit = { failures: 3, halfOpenAfter: 60_000 };
    const app = await billing(chargingAt(gateway), { circuit, retry: { ...retry, retries: 10 } });
    const ids = await Promise.all(['ann', 'bob', 'cem', 'dora'].map(start));
    const open = [{ saga: 'subscription-upgrade', step: 'charge', of: 'step' }];
    await eventually(async () => expect((await app.get(Sagas).health()).circuits).toMatchObject(open));
    for (const sagaId of ids) await overdue(sagaId);
    const calls = gateway.calls.length;
    gateway.charges = 'answers';
    const late = await start('eve');
    for (const sagaId of [...ids, late])
      expect(await sagas.settled(sagaId, settling)).toMatchObject({ status: 'aborted', steps: { charge: 'rejected' } });
    expect(gateway.calls).toHaveLength(calls);
    expect(gateway.charged).toEqual([]);
    expect(await plans()).toEqual([]);
  });
});

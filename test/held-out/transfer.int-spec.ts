import { describe, expect, test } from 'vitest';
import { until } from '../e2e/rows.js';
import { disturbances, undisturbed, type Disturbance } from '../scenarios/disturbances.js';
import { Services } from '../scenarios/services.js';
import { Account, Faults, LedgerSteps, PayeeSteps, PayerSteps, Transfer } from './transfer.js';

type Bank = Services<'ledger' | 'payer' | 'payee'>;

const retry = { retries: 3, firstDelay: 10, maxDelay: 30, jitter: 0 };

async function opened(disturbance: Disturbance): Promise<{ bank: Bank; faults: Faults }> {
  const faults = new Faults();
  const given = { provide: Faults, useValue: faults };
  const saga = { retry };
  const bank = await Services.of(
    {
      ledger: { entities: [], providers: [LedgerSteps, given], tracks: true, saga },
      payer: { entities: [Account], providers: [PayerSteps, given], saga },
      payee: { entities: [Account], providers: [PayeeSteps, given], saga },
    },
    disturbance,
  );
  await bank.start(...bank.names);
  for (const name of ['payer', 'payee'] as const)
    await bank.query(name, `INSERT INTO account (name, balance) VALUES ('${name}', 1000)`);
  return { bank, faults };
}

async function balances(bank: Bank): Promise<readonly number[]> {
  const of = async (name: 'payer' | 'payee'): Promise<number> =>
    (await bank.query<{ balance: number }>(name, 'SELECT balance FROM account'))[0]!.balance;
  return [await of('payer'), await of('payee')];
}

const counted = async (bank: Bank, text: string): Promise<number> =>
  (await bank.journal()).filter((entry) => entry === text).length;

describe.each(disturbances)('with $name', (disturbance) => {
  test('a transfer moves the money once, and one that is refused moves none, also when all events come again', async () => {
    const { bank } = await opened(disturbance);
    const { sagaId } = await bank.sagas.start(Transfer, { amount: 100 });
    expect((await bank.settled(sagaId)).status).toBe('completed');
    const refused = await bank.sagas.start(Transfer, { amount: 600 });
    expect(await bank.settled(refused.sagaId)).toMatchObject({ status: 'aborted', inconsistencies: [], debts: [] });
    await bank.publishAllAgain();
    await bank.settled(sagaId);
    expect(await balances(bank)).toEqual([900, 1100]);
    expect(await counted(bank, 'unask')).toBe(1);
  });
});

test.each(['debit', 'credit', 'post', 'tell', 'heard'])(
  'a throw after the write of "%s", once, moves the money once',
  async (handler) => {
    const { bank, faults } = await opened(undisturbed);
    faults.of.set(handler, 'once');
    const { sagaId } = await bank.sagas.start(Transfer, { amount: 100 });
    expect((await bank.settled(sagaId)).status).toBe('completed');
    expect(await balances(bank)).toEqual([900, 1100]);
    await until('the listener has heard', async () => (await counted(bank, 'heard')) === 1);
    expect(await counted(bank, 'post')).toBe(1);
  },
);

test.each(['debit', 'credit', 'post'])('a throw after the write of "%s", always, moves no money', async (handler) => {
  const { bank, faults } = await opened(undisturbed);
  faults.of.set(handler, 'always');
  const { sagaId } = await bank.sagas.start(Transfer, { amount: 100 });
  expect((await bank.settled(sagaId)).status).toBe('aborted');
  expect(await balances(bank)).toEqual([1000, 1000]);
  expect(await counted(bank, 'post')).toBe(0);
});

test.each(['undebit', 'uncredit', 'unask'])(
  'a throw after the write of "%s", once, gives the money back once',
  async (handler) => {
    const { bank, faults } = await opened(undisturbed);
    faults.of.set(handler, 'once');
    const { sagaId } = await bank.sagas.start(Transfer, { amount: 600 });
    expect((await bank.settled(sagaId)).status).toBe('aborted');
    expect(await balances(bank)).toEqual([1000, 1000]);
    expect(await counted(bank, 'unask')).toBe(1);
  },
);

test.each([
  ['undebit', [400, 1000]],
  ['uncredit', [400, 1600]],
])('a throw after the write of "%s", always, leaves what a person is told of', async (handler, left) => {
  const { bank, faults } = await opened(undisturbed);
  faults.of.set(handler, 'always');
  const { sagaId } = await bank.sagas.start(Transfer, { amount: 600 });
  await until('a person is needed', async () => (await bank.sagas.status(sagaId))?.status === 'needsIntervention');
  expect(await balances(bank)).toEqual(left);
  expect((await bank.sagas.status(sagaId))?.debts).toEqual([handler.slice(2)]);
});

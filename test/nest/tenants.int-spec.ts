import { randomUUID } from 'node:crypto';
import { Injectable, type Type } from '@nestjs/common';
import type { TestingModule } from '@nestjs/testing';
import { SagaStep, Sagas, type SagaModuleOptions } from 'nest-saga';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../support/database.js';
import { startedOn } from './database-scene.js';
import { Placed, policy, TenantOrders, TenantSteps } from './tenant-orders.js';

// Row-level security per tenant, with a service whose role is nobody in particular.

const role = `service_${randomUUID().slice(0, 8)}`;
let url: string;
let asService: string;
let owner: DataSource;

beforeAll(async () => {
  url = await freshDatabase();
  owner = await new DataSource({ type: 'postgres', url }).initialize();
  for (const statement of policy) await owner.query(statement);
  await owner.query(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`);
  await owner.query(`GRANT ALL ON SCHEMA public TO ${role}`);
  await owner.query(`GRANT SELECT, INSERT ON tenant_order TO ${role}`);
  asService = Object.assign(new URL(url), { username: role, password: 'secret' }).href;
});
afterAll(async () => {
  await owner.query(`DROP OWNED BY ${role} CASCADE`);
  await owner.query(`DROP ROLE ${role}`);
  await owner.destroy();
});

type Order = { readonly id: string; readonly tenant: string };

async function placed(app: TestingModule, orders: readonly Order[]): Promise<readonly string[]> {
  const sagas = app.get(Sagas);
  const starts = orders.map((order) => sagas.start(TenantOrders, order as never));
  const endings = await Promise.allSettled(starts);
  return endings.map((ending) => (ending.status === 'fulfilled' ? ending.value.step : String(ending.reason)));
}

const rows = (): Promise<Order[]> => owner.query<Order[]>('SELECT id, tenant FROM tenant_order ORDER BY id');

const ofMany = (prefix: string): readonly Order[] =>
  Array.from({ length: 12 }, (_, n) => ({
    id: `${prefix}-${String(n).padStart(2, '0')}`,
    tenant: ['acme', 'globex'][n % 2]!,
  }));

const serve = (steps: Type, saga?: Partial<SagaModuleOptions>): Promise<TestingModule> =>
  startedOn(asService, { providers: [steps], saga: { retry: { retries: 0 }, ...saga } }, { synchronize: false });

/** Says nothing of its transaction, and nobody's order has a tenant. */
@Injectable()
class Undeclared {
  static readonly attempts: string[] = [];

  constructor(private readonly dataSource: DataSource) {}

  @SagaStep(TenantOrders.steps.place)
  async place({ id, tenant }: Order): Promise<Placed> {
    Undeclared.attempts.push(id);
    if (tenant !== 'nobody') await this.dataSource.query(`SELECT set_config('app.tenant', $1, true)`, [tenant]);
    const said = tenant === 'nobody' ? 'acme' : tenant;
    await this.dataSource.query('INSERT INTO tenant_order (id, tenant) VALUES ($1, $2)', [id, said]);
    return new Placed({ id, tenant });
  }
}

describe('steps of many tenants at once', () => {
  it('write each as its own, with a transaction of their own', async () => {
    const orders = ofMany('own');
    expect(new Set(await placed(await serve(TenantSteps), orders))).toEqual(new Set(['done']));
    expect((await rows()).filter(({ id }) => id.startsWith('own'))).toEqual(orders);
  });

  it('write each as its own when none of them says anything: what they set is noticed', async () => {
    const orders = ofMany('noticed');
    const app = await serve(Undeclared);
    expect(new Set(await placed(app, orders))).toEqual(new Set(['done']));
    expect((await rows()).filter(({ id }) => id.startsWith('noticed'))).toEqual(orders);
  });

  it('are nobody’s where they set none: no row is written for the tenant of another saga', async () => {
    const app = await serve(Undeclared);
    const orders = [
      { id: 'a-1', tenant: 'acme' },
      { id: 'n-2', tenant: 'nobody' },
      { id: 'a-3', tenant: 'acme' },
    ];
    const [first, second, third] = await placed(app, orders);
    expect([first, third]).toEqual(['done', 'done']);
    expect(second).toContain('row-level security');
    expect((await rows()).map(({ id }) => id)).not.toContain('n-2');
  });

  it('are noticed once: from then on they are called in a transaction of their own at once', async () => {
    const app = await serve(Undeclared);
    await placed(app, ofMany('first'));
    Undeclared.attempts.length = 0;
    await placed(app, ofMany('second'));
    expect(Undeclared.attempts.toSorted()).toEqual(ofMany('second').map(({ id }) => id));
  });

  it('have one of their own where the module says so', async () => {
    Undeclared.attempts.length = 0;
    const app = await serve(Undeclared, { transaction: 'own' });
    await placed(app, ofMany('module'));
    expect(Undeclared.attempts.toSorted()).toEqual(ofMany('module').map(({ id }) => id));
  });
});

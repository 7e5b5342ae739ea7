import { Injectable } from '@nestjs/common';
import { DomainEvent, SagaStep, defineSaga } from 'nest-saga';
import { DataSource } from 'typeorm';
import { z } from 'zod';

export class Placed extends DomainEvent('tenant-order.placed', z.object({ id: z.string(), tenant: z.string() })) {}

export const TenantOrders = defineSaga('tenant-orders', { place: { kind: 'pivot', emits: Placed } });

// #region policy
/** A migration of the application's. The role of the service is neither a superuser nor the owner of the table, or row security would not concern it. */
export const policy = [
  `CREATE TABLE tenant_order (id text PRIMARY KEY, tenant text NOT NULL)`,
  `ALTER TABLE tenant_order ENABLE ROW LEVEL SECURITY`,
  `CREATE POLICY own_rows ON tenant_order
     USING (tenant = NULLIF(current_setting('app.tenant', true), ''))
     WITH CHECK (tenant = NULLIF(current_setting('app.tenant', true), ''))`,
];
// #endregion policy

// #region steps
@Injectable()
export class TenantSteps {
  constructor(private readonly dataSource: DataSource) {}

  @SagaStep(TenantOrders.steps.place, { transaction: 'own' })
  async place({ id, tenant }: { id: string; tenant: string }): Promise<Placed> {
    await this.dataSource.query(`SELECT set_config('app.tenant', $1, true)`, [tenant]);
    await this.dataSource.query('INSERT INTO tenant_order (id, tenant) VALUES ($1, $2)', [id, tenant]);
    return new Placed({ id, tenant });
  }
}
// #endregion steps

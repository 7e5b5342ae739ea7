import { Injectable, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { serve } from '../serve.js';
import { Charge, Order } from '../shop.host.js';
import { database, shopOf } from '../shop.module.js';
import { Books, type NewOrder } from '../shop.steps.js';

/** Rows belong to a tenant, whose name the transaction says; nobody sees or writes those of another. */
@Injectable()
class TenantBooks extends Books {
  constructor(private readonly dataSource: DataSource) {
    super();
  }

  async place({ id, tenant }: NewOrder): Promise<unknown> {
    const [{ before }] = await this.dataSource.query<[{ before: string | null }]>(
      `SELECT current_setting('app.tenant', true) AS before`,
    );
    await this.as(tenant);
    const state = before ? `placed after ${before}` : 'placed'; // nobody has said a name in this step yet
    return this.dataSource.getRepository(Order).insert({ id, tenant, state });
  }

  async cancel(id: string): Promise<unknown> {
    await this.as(id.split('/')[1]!);
    const { affected } = await this.dataSource.getRepository(Order).update(id, { state: 'cancelled' });
    if (affected !== 1) throw new Error(`order ${id} cannot be seen`);
    return affected;
  }

  /** Sets no tenant, so it sees the orders of none. */
  async charge({ id }: NewOrder): Promise<unknown> {
    const seen = await this.dataSource.getRepository(Order).count();
    return this.dataSource.getRepository(Charge).insert({ orderId: seen === 0 ? id : `${id} sees ${seen} orders` });
  }

  refund({ id }: NewOrder): Promise<unknown> {
    return this.dataSource.getRepository(Charge).delete({ orderId: id });
  }

  private as(tenant: string): Promise<unknown> {
    return this.dataSource.query(`SELECT set_config('app.tenant', $1, true)`, [tenant]);
  }
}

@Module({
  imports: [TypeOrmModule.forRoot(database({ synchronize: false })), shopOf({ provide: Books, useClass: TenantBooks })],
})
class App {}

await serve(App);

import { Transactional, TransactionHost, ClsPluginTransactional } from '@nestjs-cls/transactional';
import { TransactionalAdapterTypeOrm } from '@nestjs-cls/transactional-adapter-typeorm';
import { Injectable, Module } from '@nestjs/common';
import { TypeOrmModule, getDataSourceToken } from '@nestjs/typeorm';
import { ClsModule } from 'nestjs-cls';
import { serve } from '../serve.js';
import { Charge, Order } from '../shop.host.js';
import { database, shopOf } from '../shop.module.js';
import { Books, type NewOrder } from '../shop.steps.js';

@Injectable()
class ClsBooks extends Books {
  constructor(private readonly host: TransactionHost<TransactionalAdapterTypeOrm>) {
    super();
  }

  @Transactional()
  async place({ id, tenant }: NewOrder): Promise<unknown> {
    return this.host.tx.getRepository(Order).save({ id, tenant, state: 'placed' });
  }

  cancel(id: string): Promise<unknown> {
    return this.host.tx.getRepository(Order).update(id, { state: 'cancelled' });
  }

  @Transactional()
  async charge({ id }: NewOrder): Promise<unknown> {
    return this.host.tx.getRepository(Charge).save({ orderId: id });
  }

  async refund({ id }: NewOrder): Promise<unknown> {
    return this.host.withTransaction(() => this.host.tx.getRepository(Charge).delete({ orderId: id }));
  }
}

@Module({
  imports: [
    TypeOrmModule.forRoot(database()),
    ClsModule.forRoot({
      global: true,
      middleware: { mount: true },
      plugins: [
        new ClsPluginTransactional({
          imports: [TypeOrmModule],
          adapter: new TransactionalAdapterTypeOrm({ dataSourceToken: getDataSourceToken() }),
        }),
      ],
    }),
    shopOf({ provide: Books, useClass: ClsBooks }),
  ],
})
class App {}

await serve(App);

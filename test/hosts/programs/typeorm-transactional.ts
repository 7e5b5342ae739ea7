import { Injectable, Module } from '@nestjs/common';
import { InjectRepository, TypeOrmModule } from '@nestjs/typeorm';
import { DataSource, type Repository } from 'typeorm';
import {
  StorageDriver,
  Transactional,
  addTransactionalDataSource,
  initializeTransactionalContext,
} from 'typeorm-transactional';
import { serve } from '../serve.js';
import { Charge, Order, environment } from '../shop.host.js';
import { database, shopOf } from '../shop.module.js';
import { Books, type NewOrder } from '../shop.steps.js';

initializeTransactionalContext({ storageDriver: StorageDriver[environment('STORAGE') as keyof typeof StorageDriver] });

@Injectable()
class TransactionalBooks extends Books {
  constructor(
    @InjectRepository(Order) private readonly orders: Repository<Order>,
    @InjectRepository(Charge) private readonly charges: Repository<Charge>,
  ) {
    super();
  }

  @Transactional()
  async place({ id, tenant }: NewOrder): Promise<unknown> {
    return this.orders.save({ id, tenant, state: 'placed' });
  }

  @Transactional()
  async cancel(id: string): Promise<unknown> {
    return this.orders.update(id, { state: 'cancelled' });
  }

  async charge({ id }: NewOrder): Promise<unknown> {
    return this.charges.save({ orderId: id });
  }

  @Transactional()
  async refund({ id }: NewOrder): Promise<unknown> {
    return this.charges.delete({ orderId: id });
  }
}

@Module({
  imports: [
    TypeOrmModule.forRootAsync({
      useFactory: () => database(),
      dataSourceFactory: async (options) => addTransactionalDataSource(new DataSource(options!)),
    }),
    shopOf({ provide: Books, useClass: TransactionalBooks }),
  ],
})
class App {}

await serve(App);

import { Injectable, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { BaseEntity, Column, DataSource, Entity, PrimaryGeneratedColumn, Repository } from 'typeorm';
import { serve } from '../serve.js';
import { Order } from '../shop.host.js';
import { database, shopOf } from '../shop.module.js';
import { Books, type NewOrder } from '../shop.steps.js';

/** The custom repository that the community recommends since TypeORM 0.3. */
@Injectable()
class OrderRepository extends Repository<Order> {
  constructor(dataSource: DataSource) {
    super(Order, dataSource.createEntityManager());
  }

  cancel(id: string): Promise<unknown> {
    return this.createQueryBuilder().update().set({ state: 'cancelled' }).where({ id }).execute();
  }
}

/** An active record. */
@Entity('charges')
class ActiveCharge extends BaseEntity {
  @PrimaryGeneratedColumn() no!: number;
  @Column() orderId!: string;
}

@Injectable()
class CustomBooks extends Books {
  private readonly charges;

  constructor(
    private readonly orders: OrderRepository,
    dataSource: DataSource,
  ) {
    super();
    this.charges = dataSource.getRepository(ActiveCharge).extend({
      refund(orderId: string): Promise<unknown> {
        return dataSource.getRepository(ActiveCharge).delete({ orderId });
      },
    });
  }

  async place({ id, tenant }: NewOrder): Promise<unknown> {
    await this.orders.insert({ id, tenant, state: 'new' });
    return this.orders.save({ id, tenant, state: 'placed' });
  }

  cancel(id: string): Promise<unknown> {
    return this.orders.cancel(id);
  }

  charge({ id }: NewOrder): Promise<unknown> {
    return ActiveCharge.create({ orderId: id }).save();
  }

  refund({ id }: NewOrder): Promise<unknown> {
    return this.charges.refund(id);
  }
}

@Module({
  imports: [
    TypeOrmModule.forRoot(database({ entities: [Order, ActiveCharge] })),
    shopOf({ provide: Books, useClass: CustomBooks }, { providers: [OrderRepository] }),
  ],
})
class App {}

await serve(App);

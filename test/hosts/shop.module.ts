import { Injectable, Module, type DynamicModule, type Provider } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { InjectRepository, TypeOrmModule } from '@nestjs/typeorm';
import { SagaModule, SagaTrackerModule, type SagaModuleOptions } from 'nest-saga';
import type { DataSourceOptions, Repository } from 'typeorm';
import { Charge, Order, ShopController, entities, environment, saga } from './shop.host.js';
import { Books, ShopSteps, type NewOrder } from './shop.steps.js';

type PostgresOptions = Extract<DataSourceOptions, { type: 'postgres' }>;

/** Where a host's rows are. */
export function database(differs: Partial<PostgresOptions> = {}): PostgresOptions {
  return { type: 'postgres', url: environment('DATABASE_URL'), entities, synchronize: true, ...differs };
}

@Module({})
class ShopModule {}

/** The saga, its steps and the page in front of them, as one host has them. */
export function shopOf(
  books: Provider,
  {
    saga: differs = {},
    providers = [],
  }: { readonly saga?: Partial<SagaModuleOptions>; readonly providers?: Provider[] } = {},
): DynamicModule {
  return {
    module: ShopModule,
    imports: [
      CqrsModule.forRoot(),
      TypeOrmModule.forFeature(entities),
      SagaModule.forRoot({ ...saga, ...differs }),
      SagaTrackerModule,
    ],
    controllers: [ShopController],
    providers: [ShopSteps, books, ...providers],
    exports: [TypeOrmModule, SagaModule],
  };
}

/** Injected repositories, as the documentation of Nest has them. */
@Injectable()
export class InjectedBooks extends Books {
  constructor(
    @InjectRepository(Order) private readonly orders: Repository<Order>,
    @InjectRepository(Charge) private readonly charges: Repository<Charge>,
  ) {
    super();
  }

  place({ id, tenant }: NewOrder): Promise<unknown> {
    return this.orders.save({ id, tenant, state: 'placed' });
  }

  cancel(id: string): Promise<unknown> {
    return this.orders.update(id, { state: 'cancelled' });
  }

  charge({ id }: NewOrder): Promise<unknown> {
    return this.charges.save({ orderId: id });
  }

  refund({ id }: NewOrder): Promise<unknown> {
    return this.charges.delete({ orderId: id });
  }
}

export const injectedBooks: Provider = { provide: Books, useClass: InjectedBooks };

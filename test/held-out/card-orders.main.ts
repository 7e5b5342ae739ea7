import 'reflect-metadata';
import { Body, Controller, Get, Module, Param, Post, ServiceUnavailableException } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CqrsModule } from '@nestjs/cqrs';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Sagas, SagaModule, SagaTrackerModule, kafka, type SagaHealth } from 'nest-saga';
import { Entry, Journal } from '../scenarios/journal.js';
import { CardOrder, CardSteps, ShopSteps, Stock, WarehouseSteps } from './card-orders.js';

const { SERVICE = '', DATABASE_URL, KAFKA_BROKERS = '', SAGA_PREFIX, PORT } = process.env;
const steps = { shop: ShopSteps, warehouse: WarehouseSteps, payments: CardSteps }[SERVICE];
const entities = [Entry, Stock];

@Controller()
class Desk {
  constructor(private readonly sagas: Sagas) {}

  @Get('health')
  async health(): Promise<SagaHealth> {
    const health = await this.sagas.health();
    if (!health.up) throw new ServiceUnavailableException(health);
    return health;
  }

  @Post('orders')
  async start(@Body() order: { orderId: string; lamps: number }): Promise<object> {
    return this.sagas.start(CardOrder, order, { key: order.orderId });
  }

  @Post('aborts/:sagaId')
  async abort(@Param('sagaId') sagaId: string): Promise<object> {
    return { answer: await this.sagas.requestAbort(sagaId, 'changed my mind') };
  }
}

/** The sagas, their circuits and their retries as any service has them, only sooner. */
@Module({
  imports: [
    CqrsModule.forRoot(),
    TypeOrmModule.forRoot({ type: 'postgres', url: DATABASE_URL, entities, synchronize: true }),
    TypeOrmModule.forFeature(entities),
    SagaModule.forRoot({
      service: SERVICE,
      prefix: SAGA_PREFIX,
      transport: kafka({
        brokers: KAFKA_BROKERS.split(','),
        createTopics: { partitions: 3, replicationFactor: 1 },
        sessionTimeoutMs: 6_000,
      }),
      retry: { retries: 20, firstDelay: 50, maxDelay: 2_000 },
      circuit: { failures: 5, halfOpenAfter: 500 },
      settings: { lease: 3_000 },
    }),
    ...(SERVICE === 'shop' ? [SagaTrackerModule] : []),
  ],
  controllers: [Desk],
  providers: [Journal, ...(steps ? [steps] : [])],
})
class Service {}

const app = await NestFactory.create(Service);
app.enableShutdownHooks();
await app.listen(Number(PORT), '127.0.0.1');

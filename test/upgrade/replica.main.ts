import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CqrsModule } from '@nestjs/cqrs';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Compensates, DomainEvent, SagaModule, SagaStep, Sagas, StepRejected, defineSaga, kafka } from 'nest-saga';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { z } from 'zod';

// A replica of a service, made from this release and from an earlier one: it uses what both have.

const data = z.object({ n: z.number() });
class Placed extends DomainEvent('upgrade.placed', data) {}
class Reserved extends DomainEvent('upgrade.reserved', data) {}
class Charged extends DomainEvent('upgrade.charged', data) {}
class Shipped extends DomainEvent('upgrade.shipped', data) {}

const Upgrade = defineSaga('upgrade', {
  place: { kind: 'readOnly', emits: Placed },
  reserve: { after: 'place', emits: Reserved },
  charge: { after: 'reserve', kind: 'pivot', emits: Charged },
  ship: { after: 'charge', kind: 'retriable', emits: Shipped },
});

interface Context {
  readonly sagaId: string;
  readonly attempt: number;
}

async function noted(database: DataSource, what: string, sagaId: string): Promise<void> {
  await database.manager.query('INSERT INTO effect (saga_id, what) VALUES ($1, $2)', [sagaId, what]);
}

@Injectable()
class ShopSteps {
  constructor(private readonly database: DataSource) {}

  @SagaStep(Upgrade.steps.place)
  place({ n }: { n: number }): Placed {
    return new Placed({ n });
  }

  @SagaStep(Upgrade.steps.reserve)
  async reserve({ n }: Placed, { sagaId, attempt }: Context): Promise<Reserved> {
    if (n % 4 === 0 && attempt === 1) throw new Error('the stock is away for a moment');
    await noted(this.database, 'reserve', sagaId);
    return new Reserved({ n });
  }

  @Compensates(Upgrade.steps.reserve)
  async release(_reserved: Reserved, { sagaId }: Context): Promise<void> {
    await noted(this.database, 'release', sagaId);
  }
}

@Injectable()
class FinanceSteps {
  constructor(private readonly database: DataSource) {}

  @SagaStep(Upgrade.steps.charge)
  async charge({ n }: Reserved, { sagaId, attempt }: Context): Promise<Charged> {
    if (n % 3 === 0 && attempt === 1) throw new Error('the bank is away for a moment');
    if (n % 5 === 0) throw new StepRejected('the card is declined');
    await noted(this.database, 'charge', sagaId);
    await sleep(20);
    return new Charged({ n });
  }

  @SagaStep(Upgrade.steps.ship)
  async ship({ n }: Charged, { sagaId }: Context): Promise<Shipped> {
    await noted(this.database, 'ship', sagaId);
    return new Shipped({ n });
  }
}

const { SERVICE: service = '', DATABASE_URL: url, PREFIX: prefix = '', KAFKA_BROKERS: brokers = '' } = process.env;
const transport = kafka({ brokers: brokers.split(','), createTopics: { partitions: 4, replicationFactor: 1 } });

@Module({
  imports: [
    CqrsModule.forRoot(),
    TypeOrmModule.forRoot({ type: 'postgres', url, retryAttempts: 0 }),
    SagaModule.forRoot({ service, prefix, transport, retry: { retries: 5, firstDelay: 300, jitter: 0 } }),
  ],
  providers: [service === 'shop' ? ShopSteps : FinanceSteps],
})
class Replica {}

const app = await NestFactory.createApplicationContext(Replica, { logger: ['error', 'warn'] });
process.on('message', (message: { readonly start?: readonly number[]; readonly stop?: true }) => {
  void (async () => {
    const started: string[] = [];
    for (const n of message.start ?? []) started.push((await app.get(Sagas).start(Upgrade, { n })).sagaId);
    if (message.stop) await app.close();
    process.send!({ started });
    if (message.stop) process.disconnect();
  })();
});
process.send!({ started: [] });

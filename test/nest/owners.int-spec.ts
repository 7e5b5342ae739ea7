import { Injectable, type Type } from '@nestjs/common';
import { DomainEvent, SagaStep, Sagas, defineSaga, kafka, type SagaModuleOptions } from 'nest-saga';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { freshDatabase } from '../support/database.js';
import { describeWithKafka, freshTopicPrefix, kafkaBrokers } from '../support/kafka.js';
import { startedOn } from './database-scene.js';

const data = z.object({ n: z.number() });
class Placed extends DomainEvent('trade.placed', data) {}
class Charged extends DomainEvent('trade.charged', data) {}
class Shipped extends DomainEvent('trade.shipped', data) {}
const Order = defineSaga('order', {
  place: { kind: 'readOnly', emits: Placed },
  charge: { after: 'place', kind: 'pivot', emits: Charged },
  ship: { after: 'charge', kind: 'retriable', emits: Shipped },
});

function scene() {
  const done: string[] = [];
  @Injectable()
  class Shop {
    @SagaStep(Order.steps.place)
    place({ n }: { n: number }): Placed {
      return new Placed({ n });
    }
  }
  @Injectable()
  class Carrier {
    @SagaStep(Order.steps.ship)
    ship({ n }: Charged): Shipped {
      done.push(`ship ${n}`);
      return new Shipped({ n });
    }
  }
  const bank = (name: string): Type => {
    @Injectable()
    class Bank {
      @SagaStep(Order.steps.charge)
      charge({ n }: Placed): Charged {
        done.push(`${name} ${n}`);
        return new Charged({ n });
      }
    }
    return Bank;
  };
  const createTopics = { partitions: 4, replicationFactor: 1 };
  const broker: Pick<SagaModuleOptions, 'transport' | 'prefix' | 'topics'> = {
    transport: kafka({ brokers: [...kafkaBrokers()], createTopics }),
    prefix: freshTopicPrefix(),
    topics: 'perDomain',
  };
  const service = (name: string, url: string, ...providers: Type[]) =>
    startedOn(url, { providers, saga: { ...broker, service: name } });
  return { done, Shop, Carrier, bank, service };
}

const numbers = Array.from({ length: 30 }, (_, n) => n);

describeWithKafka('services that announce themselves over a broker', () => {
  it('do a step that two of them have once, and start under no other one’s name', { timeout: 120_000 }, async () => {
    const { done, Shop, Carrier, bank, service } = scene();
    const shop = await service('shop', await freshDatabase(), Shop);
    await service('carrier', await freshDatabase(), Carrier);
    await service('bank', await freshDatabase(), bank('bank'));
    await service('bank-to-be', await freshDatabase(), bank('bank-to-be'));
    await expect(service('shop', await freshDatabase(), Carrier)).rejects.toMatchObject({ code: 'SERVICE_NAME_TAKEN' });
    for (const n of numbers) await shop.get(Sagas).start(Order, { n });
    await expect.poll(() => done.filter((line) => line.startsWith('ship')).length, { timeout: 60_000 }).toBe(30);
    expect(done.filter((line) => line.startsWith('bank')).toSorted()).toEqual(
      numbers.map((n) => `bank ${n}`).toSorted(),
    );
  });

  it(
    'keep for a new replica of their service what only that has a method for, on a topic that both read',
    { timeout: 120_000 },
    async () => {
      const { done, Shop, Carrier, bank, service } = scene();
      const shop = await service('shop', await freshDatabase(), Shop);
      const finance = await freshDatabase();
      await service('finance', finance, bank('bank'));
      await service('finance', finance, bank('bank'), Carrier);
      for (const n of numbers) await shop.get(Sagas).start(Order, { n });
      await expect.poll(() => done.filter((line) => line.startsWith('ship')).toSorted(), { timeout: 60_000 }).toEqual(numbers.map((n) => `ship ${n}`).toSorted()); // prettier-ignore
    },
  );
});

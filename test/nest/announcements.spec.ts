import { Injectable, type Type } from '@nestjs/common';
import { DomainEvent, SagaOperator, SagaStep, Sagas, Compensates, defineSaga, fingerprintOf, inMemory } from 'nest-saga'; // prettier-ignore
import type { TransportFactory } from 'nest-saga';
import { MemoryStore } from 'nest-saga/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { systemClock } from '../../libs/saga/src/adapters/system/system-clock.js';
import { LogLines } from './log-lines.js';
import { eventually, started, compiled } from './scene.js';

const data = z.object({ orderId: z.string() });
class Placed extends DomainEvent('order.placed', data) {}
class Reserved extends DomainEvent('stock.reserved', data) {}
class Charged extends DomainEvent('card.charged', data) {}
class Shipped extends DomainEvent('order.shipped', data) {}

/** In order: the stock, then the card. */
const Order = defineSaga('order', {
  place: { kind: 'readOnly', emits: Placed },
  reserve: { after: 'place', emits: Reserved },
  charge: { after: 'reserve', kind: 'pivot', emits: Charged },
  ship: { after: 'charge', kind: 'retriable', emits: Shipped },
});
/** Under the same name and version, side by side. */
const OtherOrder = defineSaga('order', {
  place: { kind: 'readOnly', emits: Placed },
  reserve: { after: 'place', emits: Reserved },
  charge: { after: ['reserve', 'place'], kind: 'pivot', emits: Charged },
  ship: { after: 'charge', kind: 'retriable', emits: Shipped },
});

/** It differs in what the charge does not ask for. */
const LenientOrder = defineSaga('order', {
  place: { kind: 'readOnly', emits: Placed },
  reserve: { after: 'place', emits: Reserved, onDeadLetter: 'continue' },
  charge: { after: 'reserve', kind: 'pivot', emits: Charged },
  ship: { after: 'charge', kind: 'retriable', emits: Shipped },
});

let done: string[];
let transport: TransportFactory;
beforeEach(() => {
  done = [];
  transport = inMemory();
});

const shop = (): Type => {
  @Injectable()
  class Shop {
    @SagaStep(Order.steps.place) place({ orderId }: { orderId: string }): Placed { return new Placed({ orderId }); } // prettier-ignore
    @SagaStep(Order.steps.reserve) reserve({ orderId }: Placed): Reserved { return new Reserved({ orderId }); } // prettier-ignore
    @Compensates(Order.steps.reserve) release(): void {}
  }
  return Shop;
};
const bank = (saga: typeof Order | typeof OtherOrder | typeof LenientOrder, name = 'bank'): Type => {
  @Injectable()
  class Bank {
    @SagaStep(saga.steps.charge as typeof Order.steps.charge)
    charge({ orderId }: Reserved): Charged {
      done.push(`${name} charges ${orderId}`);
      return new Charged({ orderId });
    }
  }
  return Bank;
};
const carrier = (): Type => {
  @Injectable()
  class Carrier {
    @SagaStep(Order.steps.ship)
    ship({ orderId }: Charged): Shipped {
      done.push(`ships ${orderId}`);
      return new Shipped({ orderId });
    }
  }
  return Carrier;
};
const service = (name: string, provider: Type, more: object = {}, log = new LogLines()) =>
  started({ providers: [provider], saga: { service: name, transport, ...more }, log });

describe('two services with different graphs under one name and version', () => {
  it('do not run a saga of the other, say how they differ, and go on when that is mended', async () => {
    const rows = new MemoryStore(systemClock);
    const log = new LogLines();
    const order = await service('shop', shop());
    await service('shipping', carrier());
    const wrong = await service('bank', bank(OtherOrder), { store: () => rows }, log);
    await order.get(Sagas).start(Order, { orderId: 'o1' });
    await eventually(async () => {
      const letters = await wrong.get(SagaOperator).deadLetters({ state: 'open', kind: 'version' });
      expect(letters.map(({ graph, step }) => [graph, step]).at(-1)).toEqual([fingerprintOf(Order), 'reserve']);
    });
    expect(done).toEqual([]);
    const differ = ['step "charge" comes after reserve here and place, reserve there', 'step "charge" comes after place, reserve here and reserve there']; // prettier-ignore
    for (const said of differ) await eventually(() => expect(log.errors.join()).toContain(said));
    await wrong.close();
    await service('bank', bank(Order), { store: () => rows });
    await eventually(() => expect(done).toEqual(['bank charges o1', 'ships o1']));
  });

  it('run sagas of a graph that is accepted', async () => {
    const order = await service('shop', shop());
    await service('shipping', carrier());
    await service('bank', bank(LenientOrder), { acceptsGraphs: [fingerprintOf(Order)] });
    await order.get(Sagas).start(Order, { orderId: 'o1' });
    await eventually(() => expect(done).toEqual(['bank charges o1', 'ships o1']));
  });
});

describe('a step in two services', () => {
  it('is done once', async () => {
    const order = await service('shop', shop());
    await service('shipping', carrier());
    await service('bank', bank(Order));
    await service('bank-to-be', bank(Order, 'bank-to-be'));
    for (const orderId of ['o1', 'o2', 'o3']) await order.get(Sagas).start(Order, { orderId });
    await eventually(() => expect(done.filter((line) => line.startsWith('ships'))).toHaveLength(3));
    expect(done.filter((line) => line.includes('charges')).toSorted()).toEqual(['bank charges o1', 'bank charges o2', 'bank charges o3']); // prettier-ignore
  });
});

describe('an application', () => {
  it('does not start under the name of another one, and says which', async () => {
    await service('shop', shop());
    const app = await compiled({ providers: [carrier()], saga: { service: 'shop', transport } });
    await expect(app.init()).rejects.toMatchObject({ code: 'SERVICE_NAME_TAKEN' });
  });

  it('says that it has no steps', async () => {
    const log = new LogLines();
    await started({ saga: { service: 'shop', transport }, log });
    expect(log.warnings.join()).toContain(
      'Service "shop" imports SagaModule, but none of its providers and controllers has a method',
    );
  });

  it('says which steps of a saga that it starts nobody has', async () => {
    const log = new LogLines();
    const order = await service('shop', shop(), {}, log);
    await order.get(Sagas).start(Order, { orderId: 'o1' });
    expect(log.warnings.join()).toContain(
      'No service has announced a method for steps "charge", "ship" of saga "order" version 1',
    );
  });

  it.each([
    [{ acceptsGraphs: ['abc'] }, 'acceptsGraphs is no list of fingerprints'],
    [{ handsOver: ['charge'] }, 'handsOver names what is no step of a definition'],
    [{ handsOver: [Order.steps.place] }, 'handsOver names step "place" of saga "order", which begins or ends sagas'],
    [{ takesOver: 'orders' }, 'takesOver is no list of names'],
  ])('does not start with %s', async (options, violation) => {
    const app = compiled({ providers: [shop()], saga: { service: 'shop', transport, ...options } as never });
    await expect(app.then((made) => made.init())).rejects.toThrow(violation);
  });
});

describe('replicas of one service in a rolling deployment that adds a step', () => {
  it('finish every saga, with what the old ones were given too', async () => {
    const store = new MemoryStore(systemClock);
    const rows = { store: () => store };
    await service('finance', bank(Order), rows);
    const shopApp = await service('shop', shop());
    await started({ providers: [bank(Order), carrier()], saga: { service: 'finance', transport, ...rows } });
    const ids = Array.from({ length: 30 }, (_, index) => `o${index}`);
    for (const orderId of ids) await shopApp.get(Sagas).start(Order, { orderId });
    await eventually(() => expect(done.filter((line) => line.startsWith('ships')).toSorted()).toEqual(ids.map((id) => `ships ${id}`).toSorted())); // prettier-ignore
  });
});

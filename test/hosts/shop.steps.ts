import { Injectable } from '@nestjs/common';
import { Compensates, SagaStep } from 'nest-saga';
import { CardCharged, OrderCancelled, OrderPlaced, OrderShipped, Shop, ShipmentRefused } from './shop.saga.js';

export interface NewOrder {
  readonly id: string;
  readonly tenant: string;
}

/** How a host writes its rows, in the way that its users write theirs. */
export abstract class Books {
  abstract place(order: NewOrder): Promise<unknown>;
  abstract cancel(id: string): Promise<unknown>;
  abstract charge(order: NewOrder): Promise<unknown>;
  abstract refund(order: NewOrder): Promise<unknown>;
}

/** Each step that writes fails once after its write: what is written twice was not rolled back. */
@Injectable()
export class ShopSteps {
  private readonly failed = new Set<string>();

  constructor(private readonly books: Books) {}

  @SagaStep(Shop.steps.place)
  async place(order: NewOrder): Promise<OrderPlaced> {
    await this.books.place(order);
    return new OrderPlaced(order);
  }

  @Compensates(Shop.steps.place)
  async cancel({ id }: OrderPlaced): Promise<OrderCancelled> {
    await this.books.cancel(id);
    this.failOnce(`cancel ${id}`);
    return new OrderCancelled({ id });
  }

  @SagaStep(Shop.steps.charge)
  async charge(placed: OrderPlaced): Promise<CardCharged> {
    await this.books.charge(placed);
    this.failOnce(`charge ${placed.id}`);
    return new CardCharged(placed);
  }

  @Compensates(Shop.steps.charge)
  async refund(charged: CardCharged): Promise<void> {
    await this.books.refund(charged);
  }

  @SagaStep(Shop.steps.ship)
  ship(charged: CardCharged): OrderShipped | ShipmentRefused {
    if (charged.id.startsWith('bad')) return new ShipmentRefused({ id: charged.id, reason: 'no such address' });
    return new OrderShipped(charged);
  }

  private failOnce(what: string): void {
    if (this.failed.has(what)) return;
    this.failed.add(what);
    throw new Error(`${what} fails once, after its write`);
  }
}

import { Injectable } from '@nestjs/common';
import { EventsHandler, type IEventHandler } from '@nestjs/cqrs';
import { Compensates, SagaStep } from 'nest-saga';
import {
  CardCharged,
  CardRefused,
  Order,
  OrderCancelled,
  OrderPlaced,
  OrderShipped,
  StockReleased,
  StockReserved,
} from './order-saga.js';

@Injectable()
export class PlaceSteps {
  @SagaStep(Order.steps.place)
  place(order: { orderId: string; quantity: number }): OrderPlaced {
    return new OrderPlaced(order);
  }

  @Compensates(Order.steps.place)
  cancel({ orderId }: OrderPlaced): OrderCancelled {
    return new OrderCancelled({ orderId });
  }
}

@Injectable()
export class ReserveSteps {
  @SagaStep(Order.steps.reserve)
  reserve(placed: OrderPlaced): StockReserved {
    return new StockReserved(placed);
  }

  @Compensates(Order.steps.reserve)
  release({ orderId }: StockReserved): StockReleased {
    return new StockReleased({ orderId });
  }
}

@Injectable()
export class ChargeSteps {
  @SagaStep(Order.steps.charge)
  charge({ orderId, quantity }: StockReserved): CardCharged | CardRefused {
    return quantity > 10 ? new CardRefused({ orderId, reason: 'over limit' }) : new CardCharged({ orderId });
  }
}

@Injectable()
export class ShipSteps {
  @SagaStep(Order.steps.ship)
  ship({ orderId }: CardCharged): OrderShipped {
    return new OrderShipped({ orderId });
  }
}

export const allSteps = [PlaceSteps, ReserveSteps, ChargeSteps, ShipSteps];

/** An ordinary handler of the event bus that keeps what it is given. */
@EventsHandler(OrderPlaced, OrderCancelled, StockReserved, StockReleased, CardCharged, CardRefused, OrderShipped)
export class Seen implements IEventHandler<object> {
  readonly events: object[] = [];

  handle(event: object): void {
    this.events.push(event);
  }

  /** How often an event of this class was seen, by the order ids. */
  of(eventClass: new (data: never) => { readonly orderId: string }): readonly string[] {
    return this.events.filter((event) => event instanceof eventClass).map(({ orderId }) => orderId);
  }
}

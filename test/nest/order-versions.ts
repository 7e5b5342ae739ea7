import { Injectable } from '@nestjs/common';
import { Compensates, DomainEvent, SagaStep, defineSaga } from 'nest-saga';
import { z } from 'zod';
import {
  CardCharged,
  OrderCancelled,
  OrderPlaced,
  Order,
  OrderShipped,
  StockReleased,
  StockReserved,
} from './order-saga.js';

// #region definition
export class OrderChecked extends DomainEvent('order.checked', z.object({ orderId: z.string(), risk: z.number() })) {}

/** Since the summer, orders are checked before their stock is reserved, and shipping is somebody else's. */
export const OrderV2 = defineSaga(
  'order',
  {
    place: { emits: OrderPlaced, compensated: OrderCancelled },
    check: { after: 'place', kind: 'readOnly', emits: OrderChecked },
    reserve: { after: 'check', emits: StockReserved, compensated: StockReleased },
    charge: { after: 'reserve', kind: 'pivot', emits: CardCharged },
  },
  { version: 2 },
);
// #endregion definition

@Injectable()
export class ReserveBothSteps {
  readonly done: string[] = [];

  // #region steps
  @SagaStep(Order.steps.reserve)
  reserve(placed: OrderPlaced): StockReserved {
    this.done.push(`reserve ${placed.orderId}`);
    return new StockReserved(placed);
  }

  @SagaStep(OrderV2.steps.reserve)
  reserveChecked({ orderId, risk }: OrderChecked): StockReserved {
    this.done.push(`reserve checked ${orderId}`);
    return new StockReserved({ orderId, quantity: risk > 5 ? 1 : 2 });
  }

  @Compensates(Order.steps.reserve)
  @Compensates(OrderV2.steps.reserve)
  release({ orderId }: StockReserved): StockReleased {
    return new StockReleased({ orderId });
  }
  // #endregion steps
}

/** All other steps of the second version. */
@Injectable()
export class NewShopSteps {
  @SagaStep(OrderV2.steps.place)
  place(order: object): OrderPlaced {
    return new OrderPlaced(order as OrderPlaced);
  }

  @Compensates(OrderV2.steps.place)
  cancel({ orderId }: OrderPlaced): OrderCancelled {
    return new OrderCancelled({ orderId });
  }

  @SagaStep(OrderV2.steps.check)
  check({ orderId, quantity }: OrderPlaced): OrderChecked {
    return new OrderChecked({ orderId, risk: quantity });
  }

  @SagaStep(OrderV2.steps.charge)
  charge({ orderId }: StockReserved): CardCharged {
    return new CardCharged({ orderId });
  }
}

/** All other steps of the first version. */
@Injectable()
export class OldShopSteps {
  @SagaStep(Order.steps.place)
  place(order: { orderId: string; quantity: number }): OrderPlaced {
    return new OrderPlaced(order);
  }

  @Compensates(Order.steps.place)
  cancel({ orderId }: OrderPlaced): OrderCancelled {
    return new OrderCancelled({ orderId });
  }

  @SagaStep(Order.steps.charge)
  charge({ orderId }: StockReserved): CardCharged {
    return new CardCharged({ orderId });
  }

  @SagaStep(Order.steps.ship)
  ship({ orderId }: CardCharged): OrderShipped {
    return new OrderShipped({ orderId });
  }
}

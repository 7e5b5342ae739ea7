// #region saga
import { defineSaga } from 'nest-saga';
import {
  CardCharged,
  CardDeclined,
  OrderCancelled,
  OrderConfirmed,
  OrderPlaced,
  OutOfStock,
  ShipmentRefused,
  ShipmentScheduled,
  StockReserved,
} from './order.events.js';

export const OrderFulfilment = defineSaga('order-fulfilment', {
  placeOrder: { emits: OrderPlaced, compensated: OrderCancelled },
  // two steps after the same one: a fan-out, they run side by side
  reserveStock: { after: 'placeOrder', emits: StockReserved, rejected: OutOfStock },
  chargeCard: { after: 'placeOrder', emits: CardCharged, rejected: CardDeclined },
  // one step after two: a join; the pivot is the last step that may be refused
  scheduleShipment: {
    after: ['reserveStock', 'chargeCard'],
    kind: 'pivot',
    emits: ShipmentScheduled,
    rejected: ShipmentRefused,
  },
  // after the pivot nothing is undone: this step is repeated until it is done
  confirmOrder: { after: 'scheduleShipment', kind: 'retriable', emits: OrderConfirmed },
});
// #endregion saga

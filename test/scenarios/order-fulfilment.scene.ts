import type { TrackedSaga } from 'nest-saga';
import type { z } from 'zod';
import type { Disturbance } from './disturbances.js';
import { Fulfilment, type newOrder } from './order-fulfilment.saga.js';
import {
  Booking,
  InventorySteps,
  Order,
  OrderSteps,
  PaymentSteps,
  Shipment,
  ShippingSteps,
  Stock,
} from './order-fulfilment.steps.js';
import { Services, type Carrier } from './services.js';

export type NewOrder = z.infer<typeof newOrder>;

const plans = {
  orders: { entities: [Order], providers: [OrderSteps], tracks: true },
  inventory: { entities: [Stock], providers: [InventorySteps] },
  payment: { entities: [Booking], providers: [PaymentSteps] },
  shipping: { entities: [Shipment], providers: [ShippingSteps] },
};

/** What the business finds in its tables. */
export interface ShopState {
  readonly stock: number;
  /** Charges less refunds. */
  readonly charged: number;
  readonly orders: Readonly<Record<string, string>>;
  readonly shipments: readonly string[];
}

/** A shop of four services, with ten lamps. */
export class Shop {
  private constructor(readonly services: Services<keyof typeof plans>) {}

  static async open(disturbance: Disturbance, carrier?: Carrier): Promise<Shop> {
    const services = await Services.of(plans, disturbance, carrier);
    await services.start(...services.names);
    await services.query('inventory', `INSERT INTO stock VALUES ('lamp', 10)`);
    return new Shop(services);
  }

  async order(order: Partial<NewOrder> & { readonly orderId: string }): Promise<string> {
    const lamps = { quantity: 2, total: 7_997, card: '5105', zip: '10115' };
    return (await this.services.sagas.start(Fulfilment, { ...lamps, ...order })).sagaId;
  }

  async ended(order: Partial<NewOrder> & { readonly orderId: string }): Promise<TrackedSaga> {
    return this.services.settled(await this.order(order));
  }

  async state(): Promise<ShopState> {
    const [stock] = await this.services.query<{ available: number }>('inventory', 'SELECT available FROM stock');
    const sum = 'SELECT coalesce(sum(amount), 0)::integer AS charged FROM booking';
    const [money] = await this.services.query<{ charged: number }>('payment', sum);
    const orders = await this.services.query<Order>('orders', 'SELECT * FROM customer_order');
    const shipments = await this.services.query<Shipment>('shipping', 'SELECT * FROM shipment ORDER BY "orderId"');
    return {
      stock: stock!.available,
      charged: money!.charged,
      orders: Object.fromEntries(orders.map(({ orderId, status }) => [orderId, status])),
      shipments: shipments.map(({ orderId }) => orderId),
    };
  }
}

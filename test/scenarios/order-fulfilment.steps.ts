import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Compensates, SagaStep, type CompensationContext } from 'nest-saga';
import { Column, Entity, MoreThanOrEqual, PrimaryColumn, PrimaryGeneratedColumn, type Repository } from 'typeorm';
import type { z } from 'zod';
import { Journal } from './journal.js';
import {
  Fulfilment,
  InventoryRejected,
  InventoryReleased,
  InventoryReserved,
  OrderCancelled,
  OrderConfirmed,
  OrderPlaced,
  PaymentCharged,
  PaymentDeclined,
  PaymentRefunded,
  ShipmentRejected,
  ShipmentScheduled,
  type newOrder,
} from './order-fulfilment.saga.js';

const { steps } = Fulfilment;

@Entity('customer_order')
export class Order {
  @PrimaryColumn({ type: 'text' }) orderId!: string;
  @Column({ type: 'text' }) status!: string;
}

@Entity('stock')
export class Stock {
  @PrimaryColumn({ type: 'text' }) sku!: string;
  @Column({ type: 'integer' }) available!: number;
}

/** Money that moved: a charge, or a refund with its amount below zero. */
@Entity('booking')
export class Booking {
  @PrimaryGeneratedColumn({ type: 'integer' }) id!: number;
  @Column({ type: 'text' }) orderId!: string;
  @Column({ type: 'integer' }) amount!: number;
}

@Entity('shipment')
export class Shipment {
  @PrimaryColumn({ type: 'text' }) orderId!: string;
}

@Injectable()
export class OrderSteps {
  constructor(
    @InjectRepository(Order) private readonly orders: Repository<Order>,
    private readonly journal: Journal,
  ) {}

  @SagaStep(steps.placeOrder)
  async place(order: z.infer<typeof newOrder>): Promise<OrderPlaced> {
    await this.orders.insert({ orderId: order.orderId, status: 'placed' });
    await this.journal.note(`${order.orderId} placed`);
    return new OrderPlaced(order);
  }

  @Compensates(steps.placeOrder)
  async cancel({ orderId }: OrderPlaced, saga: CompensationContext): Promise<OrderCancelled> {
    const reason = `${saga.cause.step}: ${saga.cause.reason}`;
    await this.orders.update(orderId, { status: 'cancelled' });
    await this.journal.note(`${orderId} cancelled`);
    return new OrderCancelled({ orderId, reason });
  }

  @SagaStep(steps.confirmOrder)
  async confirm({ orderId }: ShipmentScheduled): Promise<OrderConfirmed> {
    await this.orders.update(orderId, { status: 'confirmed' });
    await this.journal.note(`${orderId} confirmed`);
    return new OrderConfirmed({ orderId });
  }
}

@Injectable()
export class InventorySteps {
  constructor(
    @InjectRepository(Stock) private readonly stock: Repository<Stock>,
    private readonly journal: Journal,
  ) {}

  @SagaStep(steps.reserveInventory)
  async reserve(order: OrderPlaced): Promise<InventoryReserved | InventoryRejected> {
    const { orderId, quantity } = order;
    const enough = { sku: 'lamp', available: MoreThanOrEqual(quantity) };
    const { affected } = await this.stock.decrement(enough, 'available', quantity);
    if (affected === 0) return new InventoryRejected({ orderId, reason: 'insufficient stock' });
    await this.journal.note(`${orderId} reserved`);
    return new InventoryReserved(order);
  }

  @Compensates(steps.reserveInventory)
  async release({ orderId, quantity }: InventoryReserved): Promise<InventoryReleased> {
    await this.stock.increment({ sku: 'lamp' }, 'available', quantity);
    await this.journal.note(`${orderId} released`);
    return new InventoryReleased({ orderId });
  }
}

@Injectable()
export class PaymentSteps {
  constructor(
    @InjectRepository(Booking) private readonly bookings: Repository<Booking>,
    private readonly journal: Journal,
  ) {}

  @SagaStep(steps.chargePayment)
  async charge(order: InventoryReserved): Promise<PaymentCharged | PaymentDeclined> {
    const { orderId, total, card } = order;
    if (card.startsWith('4000')) return new PaymentDeclined({ orderId, reason: 'card declined' });
    await this.bookings.insert({ orderId, amount: total });
    await this.journal.note(`${orderId} charged`);
    return new PaymentCharged(order);
  }

  @Compensates(steps.chargePayment)
  async refund({ orderId, total }: PaymentCharged): Promise<PaymentRefunded> {
    await this.bookings.insert({ orderId, amount: -total });
    await this.journal.note(`${orderId} refunded`);
    return new PaymentRefunded({ orderId, amount: total });
  }
}

@Injectable()
export class ShippingSteps {
  constructor(
    @InjectRepository(Shipment) private readonly shipments: Repository<Shipment>,
    private readonly journal: Journal,
  ) {}

  @SagaStep(steps.scheduleShipment)
  async schedule({ orderId, zip }: PaymentCharged): Promise<ShipmentScheduled | ShipmentRejected> {
    if (zip.startsWith('99')) return new ShipmentRejected({ orderId, reason: 'no delivery there' });
    await this.shipments.insert({ orderId });
    await this.journal.note(`${orderId} scheduled`);
    return new ShipmentScheduled({ orderId });
  }
}

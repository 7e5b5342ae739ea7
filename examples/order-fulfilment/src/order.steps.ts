import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Compensates, SagaStep, type CompensationContext } from 'nest-saga';
import type { Repository } from 'typeorm';
import { OrderFulfilment } from './order-fulfilment.saga.js';
import { Order } from './order.entity.js';
import { OrderCancelled, OrderConfirmed, OrderPlaced, type ShipmentScheduled } from './order.events.js';

export interface NewOrder {
  readonly sku: string;
  readonly quantity: number;
  readonly total: number;
  readonly card: string;
  readonly zip: string;
}

@Injectable()
export class OrderSteps {
  constructor(@InjectRepository(Order) private readonly orders: Repository<Order>) {}

  @SagaStep(OrderFulfilment.steps.placeOrder)
  async place(order: NewOrder): Promise<OrderPlaced> {
    const orderId = randomUUID();
    await this.orders.insert({ orderId, sku: order.sku, quantity: order.quantity, status: 'placed' });
    return new OrderPlaced({ ...order, orderId });
  }

  @Compensates(OrderFulfilment.steps.placeOrder)
  async cancel({ orderId }: OrderPlaced, saga: CompensationContext): Promise<OrderCancelled> {
    await this.orders.update(orderId, { status: 'cancelled', reason: saga.cause.reason });
    return new OrderCancelled({ orderId, failedStep: saga.cause.step, reason: saga.cause.reason });
  }

  @SagaStep(OrderFulfilment.steps.confirmOrder)
  async confirm({ orderId }: ShipmentScheduled): Promise<OrderConfirmed> {
    await this.orders.update(orderId, { status: 'confirmed' });
    return new OrderConfirmed({ orderId });
  }
}

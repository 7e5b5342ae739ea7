// #region steps
import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Compensates, SagaStep } from 'nest-saga';
import type { Repository } from 'typeorm';
import { Reservation } from './fulfilment.entities.js';
import { OrderFulfilment } from './order-fulfilment.saga.js';
import { OutOfStock, StockReserved, type OrderPlaced } from './order.events.js';

@Injectable()
export class StockSteps {
  constructor(@InjectRepository(Reservation) private readonly reservations: Repository<Reservation>) {}

  @SagaStep(OrderFulfilment.steps.reserveStock)
  async reserve({ orderId, quantity }: OrderPlaced): Promise<StockReserved | OutOfStock> {
    if (quantity > 10) return new OutOfStock({ orderId, reason: `wanted ${quantity}, available 10` });
    const reservationId = randomUUID();
    await this.reservations.insert({ reservationId, orderId });
    return new StockReserved({ orderId, reservationId });
  }

  // the definition names no compensated event, so the library makes the default one
  @Compensates(OrderFulfilment.steps.reserveStock)
  async release({ reservationId }: StockReserved): Promise<void> {
    await this.reservations.delete(reservationId);
  }
}
// #endregion steps

// #region join
import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { SagaStep, StepRejected } from 'nest-saga';
import type { Repository } from 'typeorm';
import { Order } from './order.entity.js';
import { Shipment } from './fulfilment.entities.js';
import { OrderFulfilment } from './order-fulfilment.saga.js';
import { ShipmentScheduled, type CardCharged, type StockReserved } from './order.events.js';

@Injectable()
export class ShipmentSteps {
  constructor(@InjectRepository(Shipment) private readonly shipments: Repository<Shipment>) {}

  // after a join the method is given the events of all its predecessors, by step
  @SagaStep(OrderFulfilment.steps.scheduleShipment)
  async schedule(done: { reserveStock: StockReserved; chargeCard: CardCharged }): Promise<ShipmentScheduled> {
    const { orderId, chargeId } = done.chargeCard;
    const order = await this.shipments.manager.findOneByOrFail(Order, { orderId });
    await this.shipments.insert({ orderId });
    // thrown: what the method wrote is rolled back, and the saga closes backwards
    if (order.sku === 'piano') throw new StepRejected('no carrier takes a piano');
    return new ShipmentScheduled({ orderId, chargeId });
  }
}
// #endregion join

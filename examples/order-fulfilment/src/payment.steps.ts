import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Compensates, SagaStep } from 'nest-saga';
import type { Repository } from 'typeorm';
import { Charge } from './fulfilment.entities.js';
import { OrderFulfilment } from './order-fulfilment.saga.js';
import { CardCharged, CardDeclined, type OrderPlaced } from './order.events.js';

@Injectable()
export class PaymentSteps {
  constructor(@InjectRepository(Charge) private readonly charges: Repository<Charge>) {}

  @SagaStep(OrderFulfilment.steps.chargeCard)
  async charge({ orderId, total, card }: OrderPlaced): Promise<CardCharged | CardDeclined> {
    if (card.startsWith('4000')) return new CardDeclined({ orderId, reason: 'card declined' });
    const chargeId = randomUUID();
    await this.charges.insert({ chargeId, orderId, amount: total, refunded: false });
    return new CardCharged({ orderId, chargeId });
  }

  @Compensates(OrderFulfilment.steps.chargeCard)
  async refund({ chargeId }: CardCharged): Promise<void> {
    await this.charges.update(chargeId, { refunded: true });
  }
}

import { Injectable } from '@nestjs/common';
import { SagaStep, type StepContext } from 'nest-saga';
import { AskedPayment, PaymentAsked, PaymentDone } from './order-saga.js';

/** Pays whatever an outside event asks, and remembers it. */
@Injectable()
export class Paying {
  readonly asked: PaymentAsked[] = [];
  readonly sagas: StepContext[] = [];

  @SagaStep(AskedPayment.steps.pay)
  pay(asked: PaymentAsked, saga: StepContext): PaymentDone {
    this.asked.push(asked);
    this.sagas.push(saga);
    return new PaymentDone(asked);
  }
}

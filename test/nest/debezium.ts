import { Injectable, Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { TypeOrmModule } from '@nestjs/typeorm';
import { SagaModule, SagaStep, inMemory, type TransportFactory } from 'nest-saga';
import { AskedPayment, PaymentDone, type PaymentAsked } from './order-saga.js';

export const url = process.env['DATABASE_URL'];
export const transport: TransportFactory = inMemory();

@Injectable()
export class Paying {
  readonly paid: string[] = [];

  @SagaStep(AskedPayment.steps.pay)
  pay({ orderId }: PaymentAsked): PaymentDone {
    this.paid.push(orderId);
    return new PaymentDone({ orderId });
  }
}

// #region debezium
@Module({
  imports: [
    CqrsModule.forRoot(),
    TypeOrmModule.forRoot({ type: 'postgres', url }),
    SagaModule.forRoot({
      service: 'payment',
      transport,
      outside: {
        // Debezium's outbox router: the event's own id is in the header "id", its payload is JSON in a JSON text, its key is the aggregate
        'payment.asked': {
          identity: ({ headers }) => headers['id'],
          decode: ({ value }) => JSON.parse(JSON.parse(value) as string) as unknown,
        },
      },
    }),
  ],
  providers: [Paying],
})
export class PaymentModule {}
// #endregion debezium

import { Injectable, Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { InjectRepository, TypeOrmModule } from '@nestjs/typeorm';
import { Compensates, SagaModule, SagaStep, SagaTrackerModule, inMemory, type CompensationContext } from 'nest-saga';
import { Column, Entity, PrimaryColumn, type Repository } from 'typeorm';
import { CardCharged, CardRefused, Order, OrderPlaced, PriceAgreed, StockReserved } from './order.saga.js';

@Entity()
export class Line {
  @PrimaryColumn({ type: 'text' }) orderId!: string;
  @Column({ type: 'text' }) state!: string;
}

@Injectable()
export class OrderSteps {
  constructor(@InjectRepository(Line) private readonly lines: Repository<Line>) {}

  @SagaStep(Order.steps.place)
  async place(order: { orderId: string; quantity: number }): Promise<OrderPlaced> {
    await this.lines.insert({ orderId: order.orderId, state: 'placed' });
    return new OrderPlaced(order);
  }

  @Compensates(Order.steps.place)
  async cancel({ orderId }: OrderPlaced, saga: CompensationContext): Promise<void> {
    await this.lines.update(orderId, { state: `cancelled: ${saga.cause.reason}` });
  }

  @SagaStep(Order.steps.reserve)
  reserve({ orderId }: OrderPlaced): StockReserved {
    return new StockReserved({ orderId });
  }

  @Compensates(Order.steps.reserve)
  release(): void {}

  @SagaStep(Order.steps.price)
  price({ orderId, quantity }: OrderPlaced): PriceAgreed {
    return new PriceAgreed({ orderId, price: quantity * 5 });
  }

  @SagaStep(Order.steps.charge)
  async charge({ price }: { price: PriceAgreed }): Promise<CardCharged | CardRefused> {
    const { orderId } = price;
    if (price.price > 50) return new CardRefused({ orderId, reason: 'over limit' });
    await this.lines.update(orderId, { state: 'charged' });
    return new CardCharged({ orderId });
  }
}

/** Never provided: the compiler must refuse it, which proves that the types of the package are there. */
export class WrongSteps {
  // @ts-expect-error the step is given OrderPlaced
  @SagaStep(Order.steps.reserve)
  reserve(_wrong: CardCharged): StockReserved {
    return new StockReserved({ orderId: '' });
  }
}

@Module({
  imports: [
    CqrsModule.forRoot(),
    TypeOrmModule.forRoot({ type: 'postgres', url: process.env['DATABASE_URL']!, entities: [Line], synchronize: true }),
    TypeOrmModule.forFeature([Line]),
    SagaModule.forRoot({ service: 'shop', transport: inMemory() }),
    SagaTrackerModule,
  ],
  providers: [OrderSteps],
})
export class OrderModule {}

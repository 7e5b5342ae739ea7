import { Controller, Injectable, Module, type INestApplicationContext, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CqrsModule } from '@nestjs/cqrs';
import { InjectRepository, TypeOrmModule } from '@nestjs/typeorm';
import {
  Compensates,
  DomainEvent,
  SagaModule,
  SagaStep,
  SagaTrackerModule,
  defineSaga,
  type CompensationContext,
  type SagaModuleOptions,
  type StepContext,
} from 'nest-saga';
import { Column, Entity, PrimaryColumn, type Repository } from 'typeorm';
import { z } from 'zod';

export class Ordered extends DomainEvent('order.placed', z.object({ orderId: z.string(), quantity: z.number() })) {}
export class Reserved extends DomainEvent('stock.reserved', z.object({ orderId: z.string(), quantity: z.number() })) {}
export class Charged extends DomainEvent('card.charged', z.object({ orderId: z.string() })) {}
export class Refused extends DomainEvent('card.refused', z.object({ orderId: z.string(), reason: z.string() })) {}
export const Order = defineSaga('order', {
  place: { emits: Ordered },
  reserve: { after: 'place', emits: Reserved },
  charge: { after: 'reserve', kind: 'pivot', emits: Charged, rejected: Refused },
});

@Entity()
export class Line {
  @PrimaryColumn({ type: 'text' }) id!: string;
  @Column({ type: 'text' }) state!: string;
}

@Injectable()
export class PlaceSteps {
  constructor(@InjectRepository(Line) private readonly lines: Repository<Line>) {}
  @SagaStep(Order.steps.place)
  async place(input: { orderId: string; quantity: number }, _saga: StepContext): Promise<Ordered> {
    await this.lines.insert({ id: input.orderId, state: 'placed' });
    return new Ordered(input);
  }
  @Compensates(Order.steps.place)
  async cancel(placed: Ordered, saga: CompensationContext): Promise<void> {
    await this.lines.update(placed.orderId, { state: `cancelled: ${saga.cause.step} ${saga.cause.reason}` });
  }
}

@Injectable()
export class ReserveSteps {
  constructor(@InjectRepository(Line) private readonly lines: Repository<Line>) {}
  @SagaStep(Order.steps.reserve)
  async reserve(placed: Ordered): Promise<Reserved> {
    await this.lines.insert({ id: placed.orderId, state: 'reserved' });
    return new Reserved(placed);
  }
  @Compensates(Order.steps.reserve)
  async release(reserved: Reserved): Promise<void> {
    await this.lines.delete(reserved.orderId);
  }
}

@Controller()
export class ChargeSteps {
  constructor(@InjectRepository(Line) private readonly lines: Repository<Line>) {}
  @SagaStep(Order.steps.charge)
  async charge(reserved: Reserved): Promise<Charged | Refused> {
    if (reserved.quantity > 10) return new Refused({ orderId: reserved.orderId, reason: 'over limit' });
    await this.lines.insert({ id: reserved.orderId, state: 'charged' });
    return new Charged({ orderId: reserved.orderId });
  }
}

export async function app(
  url: string,
  steps: Type[],
  options: SagaModuleOptions,
  extra: Type[] = [],
): Promise<INestApplicationContext> {
  @Module({
    imports: [
      CqrsModule.forRoot(),
      TypeOrmModule.forRoot({ type: 'postgres', url, entities: [Line], synchronize: true }),
      TypeOrmModule.forFeature([Line]),
      SagaModule.forRoot({ retry: { retries: 3 }, ...options }),
      ...extra,
    ],
    providers: steps.filter((step) => step !== ChargeSteps),
    controllers: steps.filter((step) => step === ChargeSteps),
  })
  class App {}
  return NestFactory.createApplicationContext(App, { logger: ['error', 'warn'] });
}
export { SagaTrackerModule };

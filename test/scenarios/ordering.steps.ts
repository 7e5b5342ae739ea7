import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import {
  Compensates,
  SagaStep,
  Sagas,
  SemanticLocks,
  StepPostponed,
  type CompensationContext,
  type StepContext,
} from 'nest-saga';
import { Column, Entity, PrimaryColumn, type Repository } from 'typeorm';
import { Journal } from './journal.js';
import {
  AddressChanged,
  OrderCancelled,
  OrderConfirmed,
  OrderPlaced,
  OrderReturned,
  Ordering,
  PaymentCharged,
  PaymentRefunded,
  Readdressing,
  ReturnAsked,
  ReturnDropped,
  Returning,
  StockReleased,
  StockReserved,
} from './ordering.saga.js';

@Entity('customer_order')
export class Order {
  @PrimaryColumn('text') orderId!: string;
  @Column('text') status!: 'pending' | 'confirmed' | 'cancelled' | 'returned';
  @Column('uuid') sagaId!: string;
  @Column('text', { default: 'home' }) address!: string;
}

type OrderId = { readonly orderId: string };
const row = (orderId: string): string => `order:${orderId}`;

@Injectable()
export class ShopSteps {
  constructor(
    @InjectRepository(Order) private readonly orders: Repository<Order>,
    private readonly locks: SemanticLocks,
  ) {}

  @SagaStep(Ordering.steps.place)
  async place({ orderId }: OrderId, saga: StepContext): Promise<OrderPlaced> {
    await this.locks.acquire(saga, row(orderId), { onHeld: 'reject' });
    await this.orders.insert({ orderId, status: 'pending', sagaId: saga.sagaId });
    return new OrderPlaced({ orderId });
  }

  @Compensates(Ordering.steps.place)
  async cancel({ orderId }: OrderPlaced, { cause }: CompensationContext): Promise<OrderCancelled> {
    await this.orders.update({ orderId }, { status: 'cancelled' });
    return new OrderCancelled({ orderId, reason: cause.reason });
  }

  @SagaStep(Ordering.steps.confirm)
  async confirm({ orderId }: PaymentCharged, saga: StepContext): Promise<OrderConfirmed> {
    await this.orders.update({ orderId }, { status: 'confirmed' });
    await this.locks.release(saga);
    return new OrderConfirmed({ orderId });
  }

  @SagaStep(Returning.steps.ask)
  async ask({ orderId }: OrderId, saga: StepContext): Promise<ReturnAsked> {
    await this.locks.acquire(saga, row(orderId), { onHeld: 'wait' });
    return new ReturnAsked({ orderId });
  }

  @Compensates(Returning.steps.ask)
  drop({ orderId }: ReturnAsked, { cause }: CompensationContext): ReturnDropped {
    return new ReturnDropped({ orderId, reason: cause.reason });
  }

  @SagaStep(Returning.steps.close)
  async close({ orderId }: PaymentRefunded, saga: StepContext): Promise<OrderReturned> {
    await this.orders.update({ orderId }, { status: 'returned' });
    await this.locks.release(saga);
    return new OrderReturned({ orderId });
  }

  // #region third
  @SagaStep(Readdressing.steps.change)
  async readdress({ orderId, address }: OrderId & { address: string }, saga: StepContext): Promise<AddressChanged> {
    await this.locks.acquire(saga, row(orderId), { onHeld: 'reject' });
    await this.orders.update({ orderId }, { address });
    await this.locks.release(saga);
    return new AddressChanged({ orderId, address });
  }
  // #endregion third
}

// #region desk
/** What the customer's button calls. */
@Injectable()
export class CustomerDesk {
  constructor(
    @InjectRepository(Order) private readonly orders: Repository<Order>,
    private readonly sagas: Sagas,
  ) {}

  async cancel(orderId: string): Promise<'cancelled' | 'too late'> {
    const { sagaId } = await this.orders.findOneByOrFail({ orderId });
    if ((await this.sagas.requestAbort(sagaId, 'the customer cancels')) === 'refused') return 'too late';
    const outcome = await this.sagas.abortOutcome(sagaId, { timeout: 40_000 });
    return outcome === 'closing' ? 'cancelled' : 'too late';
  }
}
// #endregion desk

/** What holds up the warehouse or the payments. */
export class Holdups {
  readonly at = new Set<'reserve' | 'charge'>();

  pass(step: 'reserve' | 'charge'): void {
    if (this.at.has(step)) throw new StepPostponed(`${step} is held up`, 20);
  }
}

@Injectable()
export class WarehouseSteps {
  constructor(
    private readonly journal: Journal,
    private readonly holdups: Holdups,
  ) {}

  @SagaStep(Ordering.steps.reserve)
  async reserve({ orderId }: OrderPlaced): Promise<StockReserved> {
    this.holdups.pass('reserve');
    await this.journal.note(`${orderId} reserved`);
    return new StockReserved({ orderId });
  }

  @Compensates(Ordering.steps.reserve)
  async release({ orderId }: StockReserved): Promise<StockReleased> {
    await this.journal.note(`${orderId} released`);
    return new StockReleased({ orderId });
  }
}

@Injectable()
export class PaymentSteps {
  constructor(
    private readonly journal: Journal,
    private readonly holdups: Holdups,
  ) {}

  @SagaStep(Ordering.steps.charge)
  async charge({ orderId }: StockReserved): Promise<PaymentCharged> {
    this.holdups.pass('charge');
    await this.journal.note(`${orderId} charged`);
    return new PaymentCharged({ orderId });
  }

  @SagaStep(Returning.steps.refund)
  async refund({ orderId }: ReturnAsked): Promise<PaymentRefunded> {
    await this.journal.note(`${orderId} refunded`);
    return new PaymentRefunded({ orderId });
  }
}

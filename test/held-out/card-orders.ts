import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Compensates, DomainEvent, OutcomeUnknown, Resolves, SagaStep, StepRejected, defineSaga } from 'nest-saga';
import type { CompensationContext, StepContext } from 'nest-saga';
import { Column, Entity, PrimaryColumn, type Repository } from 'typeorm';
import { z } from 'zod';
import { Journal } from '../scenarios/journal.js';

const order = z.object({ orderId: z.string(), lamps: z.int() });
const cancelled = z.object({ orderId: z.string() });

class OrderPlaced extends DomainEvent('card-order.placed', order) {}
class OrderCancelled extends DomainEvent('card-order.cancelled', cancelled) {}
class LampsReserved extends DomainEvent('card-order.reserved', order) {}
class CardCharged extends DomainEvent('card-order.charged', order) {}
class CardDeclined extends DomainEvent('card-order.declined', z.object({ reason: z.string() })) {}
class CardRefunded extends DomainEvent('card-order.refunded', cancelled) {}
class OrderShipped extends DomainEvent('card-order.shipped', order) {}
class OrderConfirmed extends DomainEvent('card-order.confirmed', order) {}

/** The card is charged at a gateway outside while the lamps are reserved. */
export const CardOrder = defineSaga(
  'card-order',
  {
    place: { input: order, emits: OrderPlaced, compensated: OrderCancelled },
    reserve: { after: 'place', emits: LampsReserved },
    charge: {
      after: 'place',
      effect: 'external',
      emits: CardCharged,
      rejected: CardDeclined,
      compensated: CardRefunded,
    },
    ship: { after: ['reserve', 'charge'], kind: 'pivot', emits: OrderShipped },
    confirm: { after: 'ship', kind: 'retriable', emits: OrderConfirmed },
  },
  { deadline: 300_000 },
);
const { steps } = CardOrder;

@Entity('stock')
export class Stock {
  @PrimaryColumn({ type: 'text' }) sku!: string;
  @Column({ type: 'integer' }) available!: number;
}

const stumbled = new Set<string>();

/** Every handler fails once for each order in each life of its process, after it did what it had to do. */
function stumble(handler: string, orderId: string, error = new Error(`${handler} fails after its write`)): void {
  const first = `${handler} ${orderId}`;
  if (stumbled.has(first)) return;
  stumbled.add(first);
  throw error;
}

@Injectable()
export class ShopSteps {
  constructor(private readonly journal: Journal) {}

  @SagaStep(steps.place)
  async place(wanted: z.infer<typeof order>): Promise<OrderPlaced> {
    await this.journal.note(`${wanted.orderId} placed`);
    stumble('place', wanted.orderId);
    return new OrderPlaced(wanted);
  }

  @Compensates(steps.place)
  async cancel({ orderId }: OrderPlaced): Promise<OrderCancelled> {
    await this.journal.note(`${orderId} cancelled`);
    stumble('cancel', orderId);
    return new OrderCancelled({ orderId });
  }

  @SagaStep(steps.confirm)
  async confirm(shipped: OrderShipped): Promise<OrderConfirmed> {
    await this.journal.note(`${shipped.orderId} confirmed`);
    stumble('confirm', shipped.orderId);
    return new OrderConfirmed(shipped);
  }
}

@Injectable()
export class WarehouseSteps {
  constructor(
    @InjectRepository(Stock) private readonly stock: Repository<Stock>,
    private readonly journal: Journal,
  ) {}

  @SagaStep(steps.reserve)
  async reserve(placed: OrderPlaced): Promise<LampsReserved> {
    await this.stock.decrement({ sku: 'lamp' }, 'available', placed.lamps);
    await this.journal.note(`${placed.orderId} reserved`);
    stumble('reserve', placed.orderId);
    return new LampsReserved(placed);
  }

  @Compensates(steps.reserve)
  async release({ orderId, lamps }: LampsReserved): Promise<void> {
    await this.stock.increment({ sku: 'lamp' }, 'available', lamps);
    await this.journal.note(`${orderId} released`);
    stumble('release', orderId);
  }

  @SagaStep(steps.ship)
  async ship({ reserve }: { reserve: LampsReserved; charge: CardCharged }): Promise<OrderShipped> {
    if (reserve.orderId.startsWith('island')) throw new StepRejected('nobody delivers there');
    await this.journal.note(`${reserve.orderId} shipped`);
    stumble('ship', reserve.orderId);
    return new OrderShipped(reserve);
  }
}

const patience = 700;

@Injectable()
export class CardSteps {
  @SagaStep(steps.charge)
  async charge(placed: OrderPlaced, saga: StepContext): Promise<CardCharged | CardDeclined> {
    const { status } = await asked('POST', `charge/${placed.orderId}`, saga.idempotencyKey);
    if (status === 402) return new CardDeclined({ reason: 'declined' });
    if (status !== 200) throw new Error(`the gateway answered ${status}`);
    stumble('charge', placed.orderId, new OutcomeUnknown('the answer was lost'));
    return new CardCharged(placed);
  }

  @Resolves(steps.charge)
  async whatCameOfIt(placed: OrderPlaced, saga: StepContext): Promise<CardCharged | CardDeclined> {
    const { status } = await asked('DELETE', `charge/${placed.orderId}`, saga.idempotencyKey);
    if (status === 200) return new CardCharged(placed);
    if (status === 404) return new CardDeclined({ reason: 'voided' });
    throw new Error(`the gateway answered ${status}`);
  }

  @Compensates(steps.charge)
  async refund({ orderId }: CardCharged, saga: CompensationContext): Promise<CardRefunded> {
    const { status } = await asked('POST', `refund/${orderId}`, saga.idempotencyKey);
    if (status !== 200) throw new Error(`the gateway answered ${status}`);
    stumble('refund', orderId, new OutcomeUnknown('the answer was lost'));
    return new CardRefunded({ orderId });
  }
}

async function asked(method: 'POST' | 'DELETE', path: string, key: string): Promise<Response> {
  const request = { method, headers: { 'idempotency-key': key }, signal: AbortSignal.timeout(patience) };
  return fetch(`${process.env['GATEWAY']}/${path}`, request).catch((cause: unknown) => {
    throw new OutcomeUnknown('the gateway did not answer', { cause });
  });
}

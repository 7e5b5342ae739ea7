import { Injectable, type Type } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Compensates, defineSaga, DomainEvent, OutcomeUnknown, Resolves, SagaStep, type StepContext } from 'nest-saga';
import type { Repository } from 'typeorm';
import { z } from 'zod';
import { Note } from '../nest/database-scene.js';
import type { PaymentGateway } from './payment-gateway.js';

const subscription = { customer: z.string() };

export class SubscriptionUpgraded extends DomainEvent('subscription.upgraded', z.object(subscription)) {}
export class SubscriptionReverted extends DomainEvent('subscription.reverted', z.object(subscription)) {}
export class ChargeCaptured extends DomainEvent('charge.captured', z.object(subscription)) {}
export class ChargeDeclined extends DomainEvent('charge.declined', z.object({ ...subscription, reason: z.string() })) {}

/** The deadline of the saga passes while nobody knows what came of the charge. */
export const Upgrade = defineSaga(
  'subscription-upgrade',
  {
    upgrade: { input: z.object(subscription), emits: SubscriptionUpgraded, compensated: SubscriptionReverted },
    charge: { after: 'upgrade', kind: 'pivot', effect: 'external', emits: ChargeCaptured, rejected: ChargeDeclined },
  },
  { deadline: 1_000 },
);

@Injectable()
export class Subscriptions {
  constructor(@InjectRepository(Note) private readonly plans: Repository<Note>) {}

  @SagaStep(Upgrade.steps.upgrade)
  async upgrade({ customer }: { customer: string }): Promise<SubscriptionUpgraded> {
    await this.plans.insert({ text: `${customer}: premium` });
    return new SubscriptionUpgraded({ customer });
  }

  @Compensates(Upgrade.steps.upgrade)
  async revert({ customer }: SubscriptionUpgraded): Promise<SubscriptionReverted> {
    await this.plans.delete({ text: `${customer}: premium` });
    return new SubscriptionReverted({ customer });
  }
}

/** Long enough for a local answer, on a busy machine too. */
const patience = 700;

/** Steps that charge at the gateway; how long an attempt waits for its answer is given, in ms. */
export function chargingAt(gateway: PaymentGateway, wait = patience): Type {
  @Injectable()
  class Charging {
    // #region charge
    @SagaStep(Upgrade.steps.charge)
    async charge({ customer }: SubscriptionUpgraded, saga: StepContext): Promise<ChargeCaptured | ChargeDeclined> {
      const headers = { 'idempotency-key': saga.idempotencyKey };
      const request = { method: 'POST', headers, signal: AbortSignal.timeout(wait) };
      const response = await fetch(`${gateway.url}/charges`, request).catch((error: unknown) => {
        throw new OutcomeUnknown('the gateway did not answer', { cause: error });
      });
      if (response.status === 402) return new ChargeDeclined({ customer, reason: 'declined' });
      if (!response.ok) throw new Error(`the gateway answered ${response.status}`); // it says that it did nothing
      return new ChargeCaptured({ customer });
    }
    // #endregion charge
  }
  return Charging;
}

/** The same, and who can be asked what came of a charge. */
export function chargingAndAsking(gateway: PaymentGateway, wait = patience): Type {
  @Injectable()
  class ChargingAndAsking extends chargingAt(gateway, wait) {
    // #region resolves
    @Resolves(Upgrade.steps.charge)
    async whatCameOfIt(
      { customer }: SubscriptionUpgraded,
      saga: StepContext,
    ): Promise<ChargeCaptured | ChargeDeclined> {
      const headers = { 'idempotency-key': saga.idempotencyKey };
      const request = { method: 'DELETE', headers, signal: AbortSignal.timeout(wait) };
      const response = await fetch(`${gateway.url}/charge`, request); // what it does not know yet, it voids
      if (response.status === 200) return new ChargeCaptured({ customer });
      if (response.status === 404) return new ChargeDeclined({ customer, reason: 'it never arrived' });
      throw new Error(`the gateway answered ${response.status}`); // asked again later
    }
    // #endregion resolves
  }
  return ChargingAndAsking;
}

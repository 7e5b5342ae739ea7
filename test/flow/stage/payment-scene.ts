import { randomUUID } from 'node:crypto';
import { OutcomeUnknown } from '../../../libs/saga/src/protocol/errors.js';
import type { FenceRow } from '../../../libs/saga/src/ports/fence-row.js';
import { Bank } from './bank.js';
import { Delivered, Payment } from './booking.js';
import { eventRecord } from './records.js';
import { Ground, type Service } from './service.js';

export const lease = 30_000;
export const minute = 60_000;

export const delivered = new Delivered({ bookingId: 'b-1' });
export const unknown = (): Error => new OutcomeUnknown('no answer');
export const refused = (): Error => new Error('connection refused');

/** A saga whose step `deliver` works outside, at a bank that fails as it is told. */
export class PaymentScene {
  readonly ground = new Ground();
  readonly bank = new Bank();
  readonly sagaId = randomUUID();

  pay(): Promise<void> {
    const { sagaId } = this;
    return this.ground.transport.deliver([eventRecord(Payment, 'pay', 'done', { bookingId: 'b-1' }, { sagaId })]);
  }

  async row(service: Service): Promise<FenceRow> {
    return (await service.row(this.sagaId, 'deliver'))!;
  }

  /** Fails as many attempts, each when it is due. */
  async failing(...errors: readonly Error[]): Promise<void> {
    for (const error of errors) {
      await this.bank.fail(error);
      await this.ground.clock.advance(minute);
    }
  }
}

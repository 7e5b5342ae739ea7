import { DomainEvent, defineSaga } from 'nest-saga';
import { z } from 'zod';

export class PaymentDone extends DomainEvent('payment.done', z.object({ orderId: z.string() })) {}
export class VisitDone extends DomainEvent('visit.done', z.object({ orderId: z.string() })) {}

export const Payment = defineSaga('payment', { pay: { emits: PaymentDone } });
/** Works outside the database. */
export const Visit = defineSaga('visit', { visit: { effect: 'external', emits: VisitDone } });

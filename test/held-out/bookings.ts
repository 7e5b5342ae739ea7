import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import {
  Compensates,
  DomainEvent,
  OnSagaEvent,
  OutcomeUnknown,
  Resolves,
  SagaStep,
  SemanticLocks,
  StepRejected,
  defineSaga,
  type StepContext,
} from 'nest-saga';
import type { Repository } from 'typeorm';
import { z } from 'zod';
import { Note } from '../nest/database-scene.js';

const trip = z.object({ legs: z.array(z.string()), vip: z.boolean() });

class TripRequested extends DomainEvent('held.trip.requested', trip) {}
class LegReserved extends DomainEvent('held.leg.reserved', z.object({ leg: z.string() })) {}
class LegInsured extends DomainEvent('held.leg.insured', z.object({ leg: z.string() })) {}
class LegPaid extends DomainEvent('held.leg.paid', z.object({ leg: z.string() })) {}
class TripApproved extends DomainEvent('held.trip.approved', z.object({ by: z.string() })) {}
class TicketSent extends DomainEvent('held.ticket.sent', z.object({ leg: z.string() })) {}
class TripClosed extends DomainEvent('held.trip.closed', z.object({ tickets: z.number() })) {}

const legs = ({ legs: names }: TripRequested): readonly string[] => names;
const minute = 60_000;

/** Everything at once: fan-outs that lock, that may be skipped, that work outside, before and after a person's decision. */
export const Trip = defineSaga(
  'held-trip',
  {
    request: { input: trip, emits: TripRequested },
    reserve: { after: 'request', each: legs, emits: LegReserved, expires: 10 * minute },
    insure: { after: 'request', each: legs, when: ({ vip }: TripRequested) => vip, emits: LegInsured },
    pay: { after: 'request', each: legs, effect: 'external', deadline: 5 * minute, emits: LegPaid },
    approve: {
      after: ['reserve', 'insure', 'pay'],
      kind: 'pivot',
      awaits: 'signal',
      deadline: 2 * minute,
      emits: TripApproved,
    },
    ticket: { after: 'approve', each: legs, kind: 'retriable', emits: TicketSent },
    close: { after: 'ticket', kind: 'retriable', emits: TripClosed },
  },
  { deadline: 20 * minute },
);
export { TripApproved };

type Insured = Readonly<Record<string, LegInsured | undefined>>;
interface Ready {
  readonly reserve: Readonly<Record<string, LegReserved>>;
  readonly insure: Insured;
  readonly pay: Readonly<Record<string, LegPaid>>;
}

/** `once` and `always` throw after the write; `refuse` is a business no; `unknown` cannot tell. */
export type Fault = 'once' | 'always' | 'refuse' | 'unknown';

@Injectable()
export class TripSteps {
  readonly faults = new Map<string, Fault>();
  readonly keys = new Set<string>();
  /** What the payment service knows of. */
  readonly paid = new Set<string>();

  constructor(
    @InjectRepository(Note) private readonly notes: Repository<Note>,
    private readonly locks: SemanticLocks,
  ) {}

  @SagaStep(Trip.steps.request)
  async request(input: z.infer<typeof trip>): Promise<TripRequested> {
    await this.noted('request');
    return new TripRequested(input);
  }

  @Compensates(Trip.steps.request)
  unrequest(): Promise<void> {
    return this.noted('unrequest');
  }

  @SagaStep(Trip.steps.reserve)
  async reserve(_requested: TripRequested, saga: StepContext): Promise<LegReserved> {
    await this.locks.acquire(saga, `leg:${saga.branch}`, { onHeld: 'wait' });
    await this.noted(`reserve ${saga.branch}`);
    return new LegReserved({ leg: saga.branch });
  }

  @Compensates(Trip.steps.reserve, { retry: { retries: 1, firstDelay: 5 } })
  unreserve(_reserved: LegReserved, saga: StepContext): Promise<void> {
    return this.noted(`unreserve ${saga.branch}`);
  }

  @SagaStep(Trip.steps.insure)
  async insure(_requested: TripRequested, { branch }: StepContext): Promise<LegInsured> {
    await this.noted(`insure ${branch}`);
    return new LegInsured({ leg: branch });
  }

  @Compensates(Trip.steps.insure)
  uninsure(_insured: LegInsured, { branch }: StepContext): Promise<void> {
    return this.noted(`uninsure ${branch}`);
  }

  @SagaStep(Trip.steps.pay)
  async pay(_requested: TripRequested, { branch, idempotencyKey }: StepContext): Promise<LegPaid> {
    this.keys.add(idempotencyKey);
    const fault = this.faults.get(`pay ${branch}`);
    if (fault === 'always') throw new Error('the bank is closed');
    this.paid.add(branch);
    if (fault === 'unknown') throw new OutcomeUnknown('the bank did not answer');
    return new LegPaid({ leg: branch });
  }

  @Resolves(Trip.steps.pay)
  async whetherPaid(_requested: TripRequested, { branch }: StepContext): Promise<LegPaid | undefined> {
    await this.noted(`ask ${branch}`);
    return this.paid.has(branch) ? new LegPaid({ leg: branch }) : undefined;
  }

  @Compensates(Trip.steps.pay)
  async refund(_paid: LegPaid, { branch }: StepContext): Promise<void> {
    this.paid.delete(branch);
  }

  @SagaStep(Trip.steps.approve)
  async approve(ready: Ready): Promise<void> {
    const insured = Object.values(ready.insure).filter((each) => each !== undefined).length;
    await this.noted(`desk ${Object.keys(ready.reserve).length} ${insured} ${Object.keys(ready.pay).length}`);
  }

  @SagaStep(Trip.steps.ticket)
  async ticket(_approved: TripApproved, { branch }: StepContext): Promise<TicketSent> {
    await this.noted(`ticket ${branch}`);
    return new TicketSent({ leg: branch });
  }

  @SagaStep(Trip.steps.close)
  async close(tickets: Readonly<Record<string, TicketSent>>, saga: StepContext): Promise<TripClosed> {
    await this.locks.release(saga);
    await this.noted('close');
    return new TripClosed({ tickets: Object.keys(tickets).length });
  }

  @OnSagaEvent(LegReserved)
  heard({ leg }: LegReserved): Promise<void> {
    return this.noted(`heard ${leg}`);
  }

  /** The failure comes after the write. */
  private async noted(text: string): Promise<void> {
    await this.notes.insert({ text });
    const fault = this.faults.get(text);
    if (fault === 'once') this.faults.delete(text);
    if (fault === 'refuse') throw new StepRejected(`${text} refused`);
    if (fault) throw new Error(`${text} fails`);
  }
}

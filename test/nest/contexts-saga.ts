import { Injectable } from '@nestjs/common';
import { EventsHandler, type IEventHandler } from '@nestjs/cqrs';
import { InjectRepository } from '@nestjs/typeorm';
import {
  Compensates,
  DomainEvent,
  OnSagaEvent,
  OutcomeUnknown,
  Resolves,
  SagaStep,
  StepPostponed,
  defineSaga,
} from 'nest-saga';
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Repository } from 'typeorm';
import { z } from 'zod';
import { Note } from './database-scene.js';

/** What an application keeps for each request: a tenant, a user, a span. */
export const requests = new AsyncLocalStorage<string>();

/** What has to go wrong on the way. */
const trip = { loanId: z.string(), troubles: z.array(z.string()).default([]) };

export class LoanAsked extends DomainEvent('loan-asked', z.object(trip)) {}
export class LoanNoted extends DomainEvent('loan-noted', z.object(trip)) {}
export class LoanScored extends DomainEvent('loan-scored', z.object(trip)) {}
export class LoanGranted extends DomainEvent('loan-granted', z.object(trip)) {}
export class LoanPaid extends DomainEvent('loan-paid', z.object(trip)) {}
export class LoanTold extends DomainEvent('loan-told', z.object(trip)) {}

/** One of each: attended, external and asked for, conditional, waiting for a signal, retriable; with a deadline, so timers are set. */
export const Lending = defineSaga('lending', {
  note: { on: LoanAsked, emits: LoanNoted },
  score: { after: 'note', effect: 'external', emits: LoanScored },
  grant: { after: 'score', awaits: 'signal', deadline: 60_000, emits: LoanGranted },
  pay: { after: 'grant', kind: 'pivot', emits: LoanPaid },
  tell: { after: 'pay', kind: 'retriable', emits: LoanTold },
});

/** In whose context the application's code ran. */
export class Seen {
  readonly contexts: { readonly where: string; readonly context: string | undefined }[] = [];
  private readonly times = new Map<string, number>();

  /** @returns how often it was called for this loan */
  note(where: string, { loanId }: { readonly loanId: string }): number {
    this.contexts.push({ where, context: requests.getStore() });
    const times = (this.times.get(`${where} ${loanId}`) ?? 0) + 1;
    this.times.set(`${where} ${loanId}`, times);
    requests.enterWith(`left by ${where} of ${loanId}`); // as cls.enter() does
    return times;
  }

  get places(): readonly string[] {
    return [...new Set(this.contexts.map(({ where }) => where))].toSorted();
  }
}

@Injectable()
export class LendingSteps {
  constructor(
    private readonly seen: Seen,
    @InjectRepository(Note) private readonly notes: Repository<Note>,
  ) {}

  @SagaStep(Lending.steps.note)
  async note(asked: LoanAsked): Promise<LoanNoted> {
    const times = this.seen.note('note', asked);
    await this.notes.insert({ text: asked.loanId });
    if (asked.troubles.includes('postponed') && times === 1) throw new StepPostponed('not now', 20);
    return new LoanNoted(asked);
  }

  @Compensates(Lending.steps.note)
  strike(noted: LoanNoted): void {
    const times = this.seen.note('strike', noted);
    if (noted.troubles.includes('letter') && times <= 2) throw new Error('the book is closed');
  }

  @SagaStep(Lending.steps.score, { retry: { firstDelay: 20, jitter: 0 } })
  async score(noted: LoanNoted): Promise<LoanScored> {
    const times = this.seen.note('score', noted);
    if (noted.troubles.includes('unknown') && times === 1) throw new OutcomeUnknown('the bureau did not answer');
    if (noted.troubles.includes('busy') && times === 1) throw new Error('the bureau is busy');
    return new LoanScored(noted);
  }

  @Resolves(Lending.steps.score)
  ask(noted: LoanNoted): LoanScored | undefined {
    this.seen.note('ask', noted);
    if (noted.troubles.includes('lost')) return undefined;
    return new LoanScored(noted);
  }

  @Compensates(Lending.steps.score)
  forget(scored: LoanScored): void {
    this.seen.note('forget', scored);
  }

  @SagaStep(Lending.steps.grant)
  wait(scored: LoanScored): void {
    this.seen.note('wait', scored);
  }

  @Compensates(Lending.steps.grant)
  revoke(granted: LoanGranted): void {
    this.seen.note('revoke', granted);
  }

  @SagaStep(Lending.steps.pay)
  pay(granted: LoanGranted): LoanPaid {
    this.seen.note('pay', granted);
    return new LoanPaid(granted);
  }

  @SagaStep(Lending.steps.tell)
  tell(paid: LoanPaid): LoanTold {
    this.seen.note('tell', paid);
    return new LoanTold(paid);
  }

  @OnSagaEvent(LoanPaid)
  hear(paid: LoanPaid): void {
    this.seen.note('hear', paid);
  }
}

@EventsHandler(LoanNoted)
export class NotedHandler implements IEventHandler<LoanNoted> {
  constructor(private readonly seen: Seen) {}

  handle(noted: LoanNoted): void {
    this.seen.note('mirror', noted);
  }
}

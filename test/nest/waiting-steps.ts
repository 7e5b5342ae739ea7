import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Compensates, DomainEvent, SagaStep, defineSaga, type CompensationContext } from 'nest-saga';
import type { Repository } from 'typeorm';
import { z } from 'zod';
import { Note } from './database-scene.js';

const loan = { loanId: z.string() };

export class LoanAsked extends DomainEvent('loan.asked', z.object(loan)) {}
export class MoneyReserved extends DomainEvent('money.reserved', z.object(loan)) {}
export class LoanGranted extends DomainEvent('loan.granted', z.object({ ...loan, by: z.string() })) {}
export class LoanDenied extends DomainEvent('loan.denied', z.object({ ...loan, reason: z.string() })) {}
export class MoneySent extends DomainEvent('money.sent', z.object(loan)) {}

/** Somebody grants it, in time. */
export const Loan = defineSaga('loan', {
  ask: { emits: LoanAsked },
  reserve: { after: 'ask', emits: MoneyReserved, expires: 3_600_000 },
  grant: {
    after: 'reserve',
    kind: 'pivot',
    awaits: 'signal',
    deadline: 1_500,
    emits: LoanGranted,
    rejected: LoanDenied,
  },
  send: { after: 'grant', kind: 'retriable', emits: MoneySent },
});

/** Every step leaves a note in the service's own table. */
@Injectable()
export class LoanSteps {
  /** What the first step does besides. */
  besides: () => Promise<unknown> = async () => undefined;

  constructor(@InjectRepository(Note) private readonly notes: Repository<Note>) {}

  @SagaStep(Loan.steps.ask)
  async ask({ loanId }: { loanId: string }): Promise<LoanAsked> {
    await this.besides();
    return new LoanAsked({ loanId });
  }

  @Compensates(Loan.steps.ask)
  async withdraw({ loanId }: LoanAsked, saga: CompensationContext): Promise<void> {
    await this.notes.insert({ text: `${loanId} withdrawn: ${saga.cause.step}: ${saga.cause.reason}` });
  }

  @SagaStep(Loan.steps.reserve)
  reserve({ loanId }: LoanAsked): MoneyReserved {
    return new MoneyReserved({ loanId });
  }

  @Compensates(Loan.steps.reserve)
  async release({ loanId }: MoneyReserved): Promise<void> {
    await this.notes.insert({ text: `${loanId} released` });
  }

  @SagaStep(Loan.steps.grant)
  async askForGrant({ loanId }: MoneyReserved): Promise<void> {
    await this.notes.insert({ text: `${loanId} waits for a decision` });
  }

  @SagaStep(Loan.steps.send)
  async send({ loanId, by }: LoanGranted): Promise<MoneySent> {
    await this.notes.insert({ text: `${loanId} sent, granted by ${by}` });
    return new MoneySent({ loanId });
  }
}

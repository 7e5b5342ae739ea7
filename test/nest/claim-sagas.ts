import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import {
  Compensates,
  DomainEvent,
  SagaStep,
  StepRejected,
  defineSaga,
  type CompensationContext,
  type StepContext,
} from 'nest-saga';
import type { Repository } from 'typeorm';
import { z } from 'zod';
import { Note } from './database-scene.js';

const claim = z.object({ claimId: z.string(), amount: z.number() });

class ClaimRegistered extends DomainEvent('claim.registered', claim) {}
class ClaimAssessed extends DomainEvent('claim.assessed', claim.extend({ payout: z.number() })) {}
class MoneyReserved extends DomainEvent('money.reserved', claim.extend({ payout: z.number() })) {}

class CaseOpened extends DomainEvent('case.opened', claim) {}
class ClaimSettled extends DomainEvent('claim.settled', z.object({ claimId: z.string(), payout: z.number() })) {}
class CaseApproved extends DomainEvent('case.approved', z.object({ claimId: z.string() })) {}
class CaseClosed extends DomainEvent('case.closed', z.object({ claimId: z.string() })) {}

// #region sagas
export const Claim = defineSaga(
  'claim',
  {
    register: { input: claim, emits: ClaimRegistered },
    assess: { after: 'register', emits: ClaimAssessed },
    reserveMoney: { after: 'assess', emits: MoneyReserved },
  },
  { commits: 'withParent' },
);

export const Case = defineSaga('case', {
  openCase: { input: claim, emits: CaseOpened },
  settleClaim: {
    after: 'openCase',
    saga: Claim,
    emits: ClaimSettled,
    result: (reserved: MoneyReserved) => ({ claimId: reserved.claimId, payout: reserved.payout }),
  },
  approve: { after: 'settleClaim', kind: 'pivot', emits: CaseApproved },
  closeCase: { after: 'approve', kind: 'retriable', emits: CaseClosed },
});
// #endregion sagas

/** Leaves a note of all it does and undoes. */
@Injectable()
export class ClaimSteps {
  refused: string | undefined;
  failing: string | undefined;
  readonly parents: StepContext['parent'][] = [];

  constructor(@InjectRepository(Note) private readonly notes: Repository<Note>) {}

  @SagaStep(Claim.steps.register)
  async register(input: z.infer<typeof claim>, saga: StepContext): Promise<ClaimRegistered> {
    this.parents.push(saga.parent);
    await this.noted('register');
    return new ClaimRegistered(input);
  }

  @Compensates(Claim.steps.register)
  async unregister(): Promise<void> {
    await this.noted('unregister');
  }

  @SagaStep(Claim.steps.assess)
  async assess(registered: ClaimRegistered): Promise<ClaimAssessed> {
    if (this.failing === 'assess') throw new Error('the assessor is away');
    await this.noted('assess');
    return new ClaimAssessed({ claimId: registered.claimId, amount: registered.amount, payout: registered.amount / 2 });
  }

  @Compensates(Claim.steps.assess)
  async unassess(): Promise<void> {
    if (this.failing === 'unassess') throw new Error('the assessor is away');
    await this.noted('unassess');
  }

  @SagaStep(Claim.steps.reserveMoney)
  async reserve(assessed: ClaimAssessed): Promise<MoneyReserved> {
    await this.noted('reserve');
    return new MoneyReserved(assessed);
  }

  @Compensates(Claim.steps.reserveMoney)
  async release(_done: MoneyReserved, saga: CompensationContext): Promise<void> {
    await this.noted(`release because ${saga.cause.reason}`);
  }

  @SagaStep(Case.steps.openCase)
  async open(input: z.infer<typeof claim>): Promise<CaseOpened> {
    await this.noted('open');
    return new CaseOpened(input);
  }

  @Compensates(Case.steps.openCase)
  async unopen(): Promise<void> {
    await this.noted('unopen');
  }

  // #region begin
  @SagaStep(Case.steps.settleClaim)
  settle(opened: CaseOpened): z.infer<typeof claim> {
    return { claimId: opened.claimId, amount: opened.amount };
  }
  // #endregion begin

  @SagaStep(Case.steps.approve)
  async approve(settled: ClaimSettled): Promise<CaseApproved> {
    await this.noted(`approve ${settled.payout}`);
    return new CaseApproved(settled);
  }

  @SagaStep(Case.steps.closeCase)
  close(approved: CaseApproved): CaseClosed {
    return new CaseClosed(approved);
  }

  private async noted(text: string): Promise<void> {
    await this.notes.insert({ text });
    if (this.refused === text.split(' ')[0]) throw new StepRejected(`${this.refused} refused`);
  }
}

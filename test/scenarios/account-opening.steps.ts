import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Compensates, SagaStep, Sagas, StepRejected, type CompensationContext, type StepContext } from 'nest-saga';
import type { Repository } from 'typeorm';
import { Note } from '../nest/database-scene.js';
import {
  AccountActivated,
  AccountOpening,
  AccountReleased,
  AccountReserved,
  ApplicationMarkedFailed,
  ApplicationSubmitted,
  ApprovalDenied,
  ApprovalGranted,
  IdentityVerified,
  WelcomeSent,
} from './account-opening.saga.js';

const { steps } = AccountOpening;

/** The application's own rows are notes: what happened, in the words of the business. */
@Injectable()
export class BankSteps {
  constructor(@InjectRepository(Note) private readonly notes: Repository<Note>) {}

  @SagaStep(steps.submit)
  async submit({ applicationId }: { applicationId: string }): Promise<ApplicationSubmitted> {
    await this.notes.insert({ text: `${applicationId} submitted` });
    return new ApplicationSubmitted({ applicationId });
  }

  @Compensates(steps.submit)
  async markFailed(
    { applicationId }: ApplicationSubmitted,
    saga: CompensationContext,
  ): Promise<ApplicationMarkedFailed> {
    const { step: failedStep, reason } = saga.cause;
    await this.notes.insert({ text: `${applicationId} failed: ${failedStep}: ${reason}` });
    return new ApplicationMarkedFailed({ applicationId, failedStep, reason });
  }

  @SagaStep(steps.reserveAccount)
  async reserve({ applicationId }: IdentityVerified): Promise<AccountReserved> {
    await this.notes.insert({ text: `${applicationId} has an account reserved` });
    return new AccountReserved({ applicationId, iban: `DE-${applicationId}` });
  }

  @Compensates(steps.reserveAccount)
  async release({ applicationId, iban }: AccountReserved): Promise<AccountReleased> {
    await this.notes.insert({ text: `${applicationId} has its account released` });
    return new AccountReleased({ iban });
  }

  @SagaStep(steps.activate)
  async activate({ iban }: ApprovalGranted): Promise<AccountActivated> {
    await this.notes.insert({ text: `${iban} activated` });
    return new AccountActivated({ iban });
  }
}

@Injectable()
export class RegistrySteps {
  constructor(@InjectRepository(Note) private readonly notes: Repository<Note>) {}

  @SagaStep(steps.verifyIdentity)
  verify({ applicationId }: ApplicationSubmitted): IdentityVerified {
    if (applicationId.startsWith('nobody')) throw new StepRejected('nobody of this name');
    return new IdentityVerified({ applicationId });
  }

  @SagaStep(steps.welcome)
  async welcome({ iban }: AccountActivated): Promise<WelcomeSent> {
    await this.notes.insert({ text: `${iban} welcomed` });
    return new WelcomeSent({ iban });
  }
}

// #region human-step
@Injectable()
export class DeskSteps {
  constructor(
    @InjectRepository(Note) private readonly notes: Repository<Note>,
    private readonly sagas: Sagas,
  ) {}

  /** Runs when the step begins, in its transaction. It returns nothing: the answer is a person's. */
  @SagaStep(steps.approve)
  async putOnTheDesk({ iban }: AccountReserved, saga: StepContext): Promise<void> {
    await this.notes.insert({ text: `${iban} waits for approval of saga ${saga.sagaId}` });
  }

  /** What the person's click calls. */
  async decide(sagaId: string, iban: string, by: string, yes: boolean): Promise<string> {
    const event = yes ? new ApprovalGranted({ iban, by }) : new ApprovalDenied({ by, reason: 'no income' });
    const answer = await this.sagas.signal(sagaId, steps.approve, event);
    if (answer.accepted) return 'thank you';
    return answer.because === 'notWaiting' ? 'not on the desk yet' : `too late: ${answer.because}`;
  }
}
// #endregion human-step

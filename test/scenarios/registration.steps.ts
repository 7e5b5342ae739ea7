import { Injectable } from '@nestjs/common';
import {
  Compensates,
  OutcomeUnknown,
  SagaStep,
  StepPostponed,
  type CompensationContext,
  type StepContext,
} from 'nest-saga';
import { Journal } from './journal.js';
import {
  DashboardCreated,
  DashboardRejected,
  Registration,
  RegistrationMailLast,
  UserDeactivated,
  UserRegistered,
  WelcomeCorrected,
  WelcomeSent,
} from './registration.saga.js';

type User = { readonly userId: string; readonly address: string };

@Injectable()
export class AccountSteps {
  constructor(private readonly journal: Journal) {}

  @SagaStep(Registration.steps.register)
  @SagaStep(RegistrationMailLast.steps.register)
  async register({ userId, address }: User): Promise<UserRegistered> {
    await this.journal.note(`${userId} registered`);
    return new UserRegistered({ userId, address });
  }

  @Compensates(Registration.steps.register)
  @Compensates(RegistrationMailLast.steps.register)
  async deactivate({ userId, address }: UserRegistered): Promise<UserDeactivated> {
    await this.journal.note(`${userId} deactivated`);
    return new UserDeactivated({ userId, address });
  }
}

/** No seat is free, or one is; nobody knows at first. */
export class Seats {
  free: boolean | undefined;
}

@Injectable()
export class DashboardSteps {
  constructor(private readonly seats: Seats) {}

  @SagaStep(Registration.steps.createDashboard)
  @SagaStep(RegistrationMailLast.steps.createDashboard)
  create({ userId, address }: User): DashboardCreated | DashboardRejected {
    if (this.seats.free === undefined) throw new StepPostponed('nobody knows whether a seat is free', 50);
    if (!this.seats.free) return new DashboardRejected({ userId, address, reason: 'no seat left' });
    return new DashboardCreated({ userId, address });
  }
}

/** The provider takes no such mail, for good. */
export class Undeliverable extends Error {}

/** What the mail service knows of its provider. */
export class MailClient {
  constructor(private readonly url: string) {}

  /** @returns the id of the mail; the same for the same key */
  async send({ key, ...mail }: { key: string; to: string; text: string; quotes?: string }): Promise<string> {
    const request = { method: 'POST', headers: { 'idempotency-key': key }, body: JSON.stringify(mail) };
    const response = await fetch(`${this.url}/mails`, request).catch((error: unknown) => {
      throw new OutcomeUnknown('the mail house did not answer', { cause: error });
    });
    if (response.status === 422) throw new Undeliverable(`${mail.to} bounced`);
    if (!response.ok) throw new Error(`the mail house answered ${response.status}`);
    return ((await response.json()) as { id: string }).id;
  }

  /** @returns whether it never goes out */
  async suppress(mailId: string): Promise<boolean> {
    const response = await fetch(`${this.url}/mails/${mailId}`, { method: 'DELETE' });
    if (response.status === 409) return false;
    if (!response.ok) throw new Error(`the mail house answered ${response.status}`);
    return true;
  }
}

@Injectable()
export class MailSteps {
  constructor(private readonly mails: MailClient) {}

  // #region semantic
  @SagaStep(Registration.steps.welcome, { retry: { on: [{ error: Undeliverable, retries: 0 }] } })
  async welcome({ userId, address }: UserRegistered, saga: StepContext): Promise<WelcomeSent> {
    const mailId = await this.mails.send({ key: saga.idempotencyKey, to: address, text: 'Welcome!' });
    return new WelcomeSent({ userId, address, mailId });
  }

  @Compensates(Registration.steps.welcome)
  async correct({ mailId, ...user }: WelcomeSent, saga: CompensationContext): Promise<WelcomeCorrected> {
    if (await this.mails.suppress(mailId)) return new WelcomeCorrected({ ...user, mailId, by: 'suppression' });
    const text = `Forget about that mail: ${saga.cause.reason}.`;
    await this.mails.send({ key: saga.idempotencyKey, to: user.address, text, quotes: mailId });
    return new WelcomeCorrected({ ...user, mailId, by: 'correction' });
  }
  // #endregion semantic

  @SagaStep(RegistrationMailLast.steps.welcome)
  async welcomeAtLast({ userId, address }: DashboardCreated, saga: StepContext): Promise<WelcomeSent> {
    const mailId = await this.mails.send({ key: saga.idempotencyKey, to: address, text: 'Welcome!' });
    return new WelcomeSent({ userId, address, mailId });
  }
}

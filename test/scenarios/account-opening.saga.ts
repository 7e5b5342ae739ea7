import { DomainEvent, defineSaga } from 'nest-saga';
import { z } from 'zod';

const application = { applicationId: z.string() };

export class ApplicationSubmitted extends DomainEvent('application.submitted', z.object(application)) {}
export class ApplicationMarkedFailed extends DomainEvent(
  'application.marked.failed',
  z.object({ ...application, failedStep: z.string(), reason: z.string() }),
) {}
export class IdentityVerified extends DomainEvent('identity.verified', z.object(application)) {}
export class AccountReserved extends DomainEvent('account.reserved', z.object({ ...application, iban: z.string() })) {}
export class AccountReleased extends DomainEvent('account.released', z.object({ iban: z.string() })) {}
export class ApprovalGranted extends DomainEvent('approval.granted', z.object({ iban: z.string(), by: z.string() })) {}
export class ApprovalDenied extends DomainEvent('approval.denied', z.object({ by: z.string(), reason: z.string() })) {}
export class AccountActivated extends DomainEvent('account.activated', z.object({ iban: z.string() })) {}
export class WelcomeSent extends DomainEvent('welcome.sent', z.object({ iban: z.string() })) {}

export const hours = 3_600_000;

// #region definition
export const AccountOpening = defineSaga(
  'account-opening',
  {
    submit: { emits: ApplicationSubmitted, compensated: ApplicationMarkedFailed },
    verifyIdentity: { after: 'submit', kind: 'readOnly', emits: IdentityVerified },
    reserveAccount: {
      after: 'verifyIdentity',
      emits: AccountReserved,
      compensated: AccountReleased,
      expires: 96 * hours,
    },
    approve: {
      after: 'reserveAccount',
      kind: 'pivot',
      awaits: 'signal',
      deadline: 72 * hours,
      emits: ApprovalGranted,
      rejected: ApprovalDenied,
    },
    activate: { after: 'approve', kind: 'retriable', emits: AccountActivated },
    welcome: { after: 'activate', kind: 'retriable', emits: WelcomeSent },
  },
  { deadline: 120 * hours },
);
// #endregion definition

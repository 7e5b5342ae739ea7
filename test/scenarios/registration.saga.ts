import { DomainEvent, defineSaga } from 'nest-saga';
import { z } from 'zod';

export const user = z.object({ userId: z.string(), address: z.string() });
const mail = user.extend({ mailId: z.string() });

export class UserRegistered extends DomainEvent('user.registered', user) {}
export class UserDeactivated extends DomainEvent('user.deactivated', user) {}
export class WelcomeSent extends DomainEvent('welcome.sent', mail) {}
export class WelcomeCorrected extends DomainEvent(
  'welcome.corrected',
  mail.extend({ by: z.enum(['suppression', 'correction']) }),
) {}
export class DashboardCreated extends DomainEvent('dashboard.created', user) {}
export class DashboardRejected extends DomainEvent('dashboard.rejected', user.extend({ reason: z.string() })) {}

// #region definition
export const Registration = defineSaga('registration', {
  register: { input: user, emits: UserRegistered, compensated: UserDeactivated },
  welcome: {
    after: 'register',
    effect: 'external',
    undo: 'semantic',
    emits: WelcomeSent,
    compensated: WelcomeCorrected,
  },
  createDashboard: { after: 'welcome', kind: 'pivot', emits: DashboardCreated, rejected: DashboardRejected },
});
// #endregion definition

// #region reordered
export const RegistrationMailLast = defineSaga('registration-mail-last', {
  register: { input: user, emits: UserRegistered, compensated: UserDeactivated },
  createDashboard: { after: 'register', kind: 'pivot', emits: DashboardCreated, rejected: DashboardRejected },
  welcome: { after: 'createDashboard', kind: 'retriable', effect: 'external', emits: WelcomeSent },
});
// #endregion reordered

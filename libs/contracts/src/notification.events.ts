import { DomainEvent } from 'nest-saga/definition';
import { z } from 'zod';

export class NotificationSent extends DomainEvent(
  'notification.sent',
  z.object({ taskId: z.uuid(), notificationId: z.uuid(), channel: z.enum(['email', 'slack']) }),
) {}

export class NotificationFailed extends DomainEvent(
  'notification.failed',
  z.object({ taskId: z.uuid(), reason: z.string() }),
) {}

export class ReminderScheduled extends DomainEvent(
  'reminder.scheduled',
  z.object({ taskId: z.uuid(), reminderId: z.uuid(), remindAt: z.iso.datetime() }),
) {}

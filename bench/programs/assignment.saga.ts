import { DomainEvent, defineSaga } from 'nest-saga';
import { z } from 'zod';

const reference = z.object({ taskId: z.uuid() });
const refusal = reference.extend({ reason: z.string() });

export const NewTask = reference.extend({ title: z.string(), assigneeId: z.string(), deliverable: z.boolean() });

export class TaskCreated extends DomainEvent('task.created', NewTask) {}
export class TaskMarkedFailed extends DomainEvent('task.marked.failed', refusal) {}
export class UserAssigned extends DomainEvent(
  'user.assigned',
  reference.extend({ assignmentId: z.uuid(), userId: z.string(), deliverable: z.boolean() }),
) {}
export class UserUnassigned extends DomainEvent('user.unassigned', reference.extend({ assignmentId: z.uuid() })) {}
export class NotificationSent extends DomainEvent(
  'notification.sent',
  reference.extend({ notificationId: z.uuid(), channel: z.enum(['email', 'slack']) }),
) {}
export class NotificationFailed extends DomainEvent('notification.failed', refusal) {}

/** The work of the bench as a saga. */
export const Assigning = defineSaga('bench-assignment', {
  createTask: { input: NewTask, emits: TaskCreated, compensated: TaskMarkedFailed },
  assignUser: { after: 'createTask', emits: UserAssigned, compensated: UserUnassigned },
  sendNotification: {
    after: 'assignUser',
    kind: 'pivot',
    emits: NotificationSent,
    rejected: NotificationFailed,
  },
});

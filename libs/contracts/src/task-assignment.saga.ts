import { defineSaga } from 'nest-saga/definition';
import { z } from 'zod';
import { UserAssigned, UserAssignmentFailed, UserUnassigned } from './assignment.events.js';
import { NotificationFailed, NotificationSent, ReminderScheduled } from './notification.events.js';
import { Priority, TaskCreated, TaskMarkedFailed } from './task.events.js';

/** What every database and every mail can hold. */
const Line = z
  .string()
  .trim()
  .min(1)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'expected one line, without control characters');

/** What a client asks for when it creates a task. A property that is misspelled is refused, not left out. */
export const NewTask = z.strictObject({
  title: Line.max(200),
  assigneeId: Line.max(100),
  priority: Priority.default('normal'),
});
export type NewTask = z.output<typeof NewTask>;

export const TaskAssignment = defineSaga('task-assignment', {
  createTask: { input: NewTask, emits: TaskCreated, compensated: TaskMarkedFailed },
  assignUser: {
    after: 'createTask',
    emits: UserAssigned,
    rejected: UserAssignmentFailed,
    compensated: UserUnassigned,
  },
  sendNotification: {
    after: 'assignUser',
    kind: 'pivot',
    effect: 'external',
    emits: NotificationSent,
    rejected: NotificationFailed,
  },
  scheduleReminder: { after: 'sendNotification', kind: 'retriable', emits: ReminderScheduled },
});

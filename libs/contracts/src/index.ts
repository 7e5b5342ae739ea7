export { UserAssigned, UserAssignmentFailed, UserUnassigned } from './assignment.events.js';
export { NotificationFailed, NotificationSent, ReminderScheduled } from './notification.events.js';
export { NewTask, TaskAssignment } from './task-assignment.saga.js';
export { Priority, TaskCreated, TaskMarkedFailed } from './task.events.js';

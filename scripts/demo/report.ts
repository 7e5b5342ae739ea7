import { TaskAssignment } from '@samples/contracts';
import { mermaid } from 'nest-saga';
import type { EndState } from './end-state.js';
import type { Paint } from './paint.js';
import { shortened, shortId, table } from './table.js';

/** The end state as small tables, and the saga's graph. */
export function report(state: EndState, paint: Paint): string {
  const titleOf = (taskId: string): string => state.tasks.find(({ id }) => id === taskId)?.title ?? '';
  const heading = (text: string): string => `\n${paint('bold', text)}`;
  return [
    heading('Database "task"'),
    table(
      state.tasks.map((task) => ({
        task: shortId(task.id),
        title: shortened(task.title, 32),
        status: task.status,
        'failed step': task.failed_step,
        reason: task.failure_reason,
      })),
    ),
    heading('Database "assignment"'),
    table(
      state.assignments.map(({ task_id, user_id }) => ({
        task: shortId(task_id),
        title: titleOf(task_id),
        user: user_id,
      })),
    ),
    heading('Database "notification"'),
    table(
      state.notifications.map(({ task_id, status }) => ({
        task: shortId(task_id),
        notification: status,
        reminder: state.reminders.find((row) => row.task_id === task_id)?.remind_at.toISOString() ?? null,
      })),
    ),
    heading('Mails received'),
    table(state.mails.map(({ to, subject, messageId }) => ({ to: to.join(', '), subject, 'message id': messageId }))),
    heading('The saga, for any Mermaid viewer'),
    mermaid(TaskAssignment).trimEnd().replace(/^/gm, '  '),
  ].join('\n');
}

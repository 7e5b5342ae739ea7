import type { EndState } from './end-state.js';
import type { Request } from './requests.js';
import type { Accepted } from './task-api.js';

export interface Submitted extends Accepted {
  readonly request: Request;
}

/** All in which the end state differs from what the requests lead one to expect; empty when nothing does. */
export function differences(submitted: readonly Submitted[], state: EndState): readonly string[] {
  const tasks = [...new Map(submitted.map((one) => [one.taskId, one])).values()];
  return [
    ...sameKeySameTask(submitted),
    ...(state.tasks.length === tasks.length ? [] : [`${state.tasks.length} tasks were made of ${tasks.length}`]),
    ...tasks.flatMap((one) => differencesOf(one, state)),
  ];
}

function sameKeySameTask(submitted: readonly Submitted[]): readonly string[] {
  return submitted.flatMap(({ request: { idempotencyKey, title }, taskId }) => {
    const first = submitted.find(({ request }) => idempotencyKey && request.idempotencyKey === idempotencyKey);
    return first && first.taskId !== taskId ? [`"${title}" was sent twice with one key and made two tasks`] : [];
  });
}

function differencesOf({ request, taskId }: Submitted, state: EndState): readonly string[] {
  const { title, refusedAt } = request;
  const task = state.tasks.find(({ id }) => id === taskId);
  const ofTask = (row: { readonly task_id: string }): boolean => row.task_id === taskId;
  const found = {
    status: task?.status,
    'failed step': task?.failed_step ?? undefined,
    assignments: state.assignments.filter(ofTask).length,
    mails: state.mails.filter(({ text }) => text.includes(taskId)).length,
    reminders: state.reminders.filter(ofTask).length,
    notification: state.notifications.find(ofTask)?.status,
  };
  const notified = refusedAt === 'sendNotification' ? 'refused' : undefined;
  const expected: typeof found = refusedAt
    ? {
        status: 'assignment_failed',
        'failed step': refusedAt,
        assignments: 0,
        mails: 0,
        reminders: 0,
        notification: notified,
      }
    : { status: 'assigned', 'failed step': undefined, assignments: 1, mails: 1, reminders: 1, notification: 'sent' };
  return (Object.keys(expected) as (keyof typeof found)[])
    .filter((fact) => found[fact] !== expected[fact])
    .map((fact) => `"${title}": ${fact} is ${found[fact]}, expected ${expected[fact]}`);
}

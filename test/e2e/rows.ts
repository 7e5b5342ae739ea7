import { Client } from 'pg';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EndState } from '../../scripts/demo/end-state.js';
import type { Ground } from '../../scripts/demo/services.js';

/** Asks again until the answer is something; what it waits for is said when it never is. */
export async function until<T>(what: string, ask: () => Promise<T | undefined | false>, withinMs = 20_000): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > deadline) throw new Error(`Not within ${withinMs / 1_000} s: ${what}`);
    await sleep(50);
  }
}

/** The name under which `query` connects, to be told from the services. */
export const observer = 'observer';

export async function query<Row extends object>(url: string, sql: string, values: unknown[] = []): Promise<Row[]> {
  const client = new Client({ connectionString: url, application_name: observer });
  await client.connect();
  try {
    return (await client.query<Row>(sql, values)).rows;
  } finally {
    await client.end();
  }
}

/**
 * Every saga has come to its end everywhere: each of so many tasks is decided, nothing is running or owed in a fence row of any service,
 * nothing waits to be published, and the listeners have written what they write. Needs no tracker.
 */
export async function untilSettled({ databases }: Ground, tasks: number, withinMs = 20_000): Promise<void> {
  const { task, notification } = databases;
  const left = `SELECT ((SELECT count(*) FROM saga_step WHERE status IN ('running', 'compensating') OR next_attempt_at IS NOT NULL)
                        + (SELECT count(*) FROM saga_outbox))::integer AS count`;
  await until(
    `${tasks} tasks are decided and nothing is left to do`,
    async () => {
      if ((await rowCount(task, 'task', `status <> 'pending_assignment'`)) !== tasks) return false;
      for (const url of Object.values(databases)) {
        if ((await query<{ count: number }>(url, left))[0]!.count > 0) return false;
      }
      const assigned = await rowCount(task, 'task', `status = 'assigned'`);
      const refused = await rowCount(task, 'task', `failed_step = 'sendNotification'`);
      return (
        (await rowCount(notification, 'notification', `status = 'sent'`)) === assigned &&
        (await rowCount(notification, 'notification', `status IN ('refused', 'given up')`)) === refused &&
        (await rowCount(notification, 'reminder', 'true')) === assigned
      );
    },
    withinMs,
  );
}

async function rowCount(url: string, table: string, where: string): Promise<number> {
  const rows = await query<{ count: number }>(url, `SELECT count(*)::integer AS count FROM ${table} WHERE ${where}`);
  return rows[0]!.count;
}

/** All in which an end state contradicts itself; empty when nothing does. Mails are counted by their Message-IDs. */
export function contradictions({ tasks, assignments, notifications, reminders, mails }: EndState): readonly string[] {
  const times = (rows: readonly { readonly task_id: string }[], id: string): number =>
    rows.filter((row) => row.task_id === id).length;
  return tasks.flatMap(({ id, title, status }) => {
    const assigned = status === 'assigned' ? 1 : 0;
    const ofTask = mails.filter(({ text }) => text.includes(id));
    const counts = {
      assignments: times(assignments, id),
      reminders: times(reminders, id),
      'notifications sent': times(
        notifications.filter((row) => row.status === 'sent'),
        id,
      ),
      'different mails': new Set(ofTask.map(({ messageId }) => messageId)).size,
    };
    return Object.entries(counts)
      .filter(([, count]) => count !== assigned)
      .map(([what, count]) => `task "${title}" is ${status} and has ${count} ${what}`);
  });
}

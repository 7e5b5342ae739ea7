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

export async function query<Row extends object>(url: string, sql: string, values: unknown[] = []): Promise<Row[]> {
  const client = new Client(url);
  await client.connect();
  try {
    return (await client.query<Row>(sql, values)).rows;
  } finally {
    await client.end();
  }
}

/**
 * Every saga has come to its end everywhere: each of so many tasks is decided, nothing is running or owed in a fence row of any service,
 * and nothing waits to be published. Needs no tracker.
 */
export async function untilSettled({ databases }: Ground, tasks: number, withinMs = 20_000): Promise<void> {
  const decided = `SELECT count(*)::integer AS count FROM task WHERE status <> 'pending_assignment'`;
  const open = `SELECT (SELECT count(*) FROM saga_step WHERE status IN ('running', 'compensating') OR next_attempt_at IS NOT NULL)::integer
                     + (SELECT count(*) FROM saga_outbox)::integer AS count`;
  const sent = `SELECT count(*)::integer AS count FROM notification WHERE status = 'sent'`;
  const reminded = `SELECT count(*)::integer AS count FROM reminder`;
  const countOf = async (url: string, sql: string): Promise<number> =>
    (await query<{ count: number }>(url, sql))[0]!.count;
  await until(
    `${tasks} tasks are decided and nothing is left to do`,
    async () => {
      if ((await countOf(databases.task, decided)) !== tasks) return false;
      const left = await Promise.all(Object.values(databases).map((url) => countOf(url, open)));
      if (left.some((count) => count > 0)) return false;
      const assigned = await countOf(
        databases.task,
        `SELECT count(*)::integer AS count FROM task WHERE status = 'assigned'`,
      );
      return (
        (await countOf(databases.notification, sent)) === assigned &&
        (await countOf(databases.notification, reminded)) === assigned
      );
    },
    withinMs,
  );
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

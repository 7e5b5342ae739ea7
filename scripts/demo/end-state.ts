import { Client } from 'pg';
import type { Ground } from './services.js';

export interface TaskRow {
  readonly id: string;
  readonly title: string;
  readonly status: string;
  readonly failed_step: string | null;
  readonly failure_reason: string | null;
}

/** What the three databases and the mailbox hold. */
export interface EndState {
  readonly tasks: readonly TaskRow[];
  readonly assignments: readonly { readonly task_id: string; readonly user_id: string }[];
  readonly notifications: readonly { readonly task_id: string; readonly status: string }[];
  readonly reminders: readonly { readonly task_id: string; readonly remind_at: Date }[];
  readonly mails: Ground['mail']['mails'];
}

export async function readEndState({ databases, mail }: Ground): Promise<EndState> {
  return {
    tasks: await rows(databases.task, 'SELECT * FROM task ORDER BY created_at'),
    assignments: await rows(databases.assignment, 'SELECT * FROM assignment ORDER BY created_at'),
    notifications: await rows(databases.notification, 'SELECT * FROM notification ORDER BY created_at'),
    reminders: await rows(databases.notification, 'SELECT * FROM reminder ORDER BY remind_at'),
    mails: [...mail.mails],
  };
}

async function rows<Row extends object>(url: string, sql: string): Promise<Row[]> {
  const client = new Client(url);
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

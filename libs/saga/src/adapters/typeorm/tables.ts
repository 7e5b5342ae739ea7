import type { DataSource } from 'typeorm';

const names = {
  step: 'saga_step',
  outbox: 'saga_outbox',
  timer: 'saga_timer',
  deadLetter: 'saga_dead_letter',
  audit: 'saga_audit',
  lock: 'saga_lock',
  lockWait: 'saga_lock_wait',
  event: 'saga_event',
  instance: 'saga_instance',
  migration: 'saga_migration',
  owner: 'saga_owner',
} as const;

/** The library's tables as statements name them: always with their schema, so that no search_path, of whatever connection, role or step, leads elsewhere. */
export type Tables = Readonly<Record<keyof typeof names | 'schema', string>>;

/** Every table of the library. */
export const tableNames: readonly string[] = Object.values(names);

export function tablesIn(schema: string): Tables {
  const named = Object.entries(names).map(([key, name]) => [key, `${identifier(schema)}.${name}`]);
  return { schema, ...(Object.fromEntries(named) as Record<keyof typeof names, string>) };
}

/** Where the tables of a DataSource are, unless an earlier version made them elsewhere: in its `schema`, else in the schema that was the first of its search_path when it connected. */
export function tablesOf(dataSource: DataSource): Tables {
  return tablesIn(dataSource.driver.schema ?? 'public');
}

export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

import { query } from '../../e2e/rows.js';
import type { ServiceName } from '../world/replica.js';

/** The tables whose every committed change is noted, by service. */
const business: Readonly<Record<ServiceName, readonly string[]>> = {
  task: ['task'],
  assignment: ['assignment'],
  notification: ['notification', 'reminder'],
};

/** Constraints by which a second effect would fail where it shall be seen. */
const hiding = `SELECT conrelid::regclass::text AS "table", conname AS name FROM pg_constraint
  WHERE conrelid::regclass::text = ANY($1) AND (contype = 'u' OR (contype = 'p' AND conrelid::regclass::text = 'notification'))`;

/** The clock is that of the one Postgres server, so entries of different databases have an order. */
const auditTable = `
  CREATE TABLE chaos_audit (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    "table" text NOT NULL, operation text NOT NULL, before jsonb, after jsonb
  );
  CREATE FUNCTION chaos_note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO chaos_audit ("table", operation, before, after) VALUES (TG_TABLE_NAME, TG_OP, to_jsonb(OLD), to_jsonb(NEW));
    RETURN NULL;
  END $$;`;

/** Has the database note every committed effect, every staged event and every change of a fence row, append-only; and takes away what could hide a double. */
export async function installAudit(service: ServiceName, url: string): Promise<void> {
  await query(url, auditTable);
  for (const table of [...business[service], 'saga_step']) await note(url, table, 'INSERT OR UPDATE OR DELETE');
  await note(url, 'saga_outbox', 'INSERT');
  for (const { table, name } of await query<{ table: string; name: string }>(url, hiding, [business[service]])) {
    await query(url, `ALTER TABLE ${table} DROP CONSTRAINT "${name}"`);
  }
  for (const table of business[service]) {
    await query(url, `CREATE INDEX ON ${table} (saga_id)`);
    if (table !== 'task') await query(url, `CREATE INDEX ON ${table} (task_id)`);
  }
}

async function note(url: string, table: string, events: string): Promise<void> {
  await query(url, `CREATE TRIGGER chaos_note AFTER ${events} ON ${table} FOR EACH ROW EXECUTE FUNCTION chaos_note()`);
}

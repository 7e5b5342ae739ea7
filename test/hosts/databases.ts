import { randomUUID } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { query } from '../e2e/rows.js';

/** The same database, as a replica answers: whatever writes fails. */
export function readOnly(databaseUrl: string): string {
  const url = new URL(databaseUrl);
  url.searchParams.set('options', '-c default_transaction_read_only=on');
  return url.href;
}

/** Tables whose rows belong to a tenant, and an ordinary user who sees only those of the tenant that its transaction names. */
export async function tenants(databaseUrl: string): Promise<string> {
  const user = `tenant_${randomUUID().replaceAll('-', '')}`;
  await query(
    databaseUrl,
    `CREATE ROLE ${user} LOGIN PASSWORD 'tenant';
     GRANT ALL ON SCHEMA public TO ${user};
     CREATE TABLE orders (id text PRIMARY KEY, state text NOT NULL, tenant text NOT NULL);
     CREATE TABLE charges (no serial PRIMARY KEY, "orderId" text NOT NULL);
     GRANT ALL ON ALL TABLES IN SCHEMA public TO ${user};
     GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO ${user};
     ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
     CREATE POLICY own ON orders USING (tenant = NULLIF(current_setting('app.tenant', true), ''))`,
  );
  onTestFinished(async () => void (await query(databaseUrl, `DROP OWNED BY ${user}; DROP ROLE ${user}`)));
  const url = new URL(databaseUrl);
  [url.username, url.password] = [user, 'tenant'];
  return url.href;
}

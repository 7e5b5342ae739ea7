import { Pool } from 'pg';
import { services, type ServiceName, type Surroundings } from '../programs/program.js';

const business: Readonly<Record<ServiceName, string>> = {
  task: 'CREATE TABLE task (id uuid PRIMARY KEY, title text NOT NULL, assignee_id text NOT NULL, state text NOT NULL)',
  assignment: 'CREATE TABLE assignment (id uuid PRIMARY KEY, task_id uuid NOT NULL, user_id text NOT NULL)',
  notification: 'CREATE TABLE notification (id uuid PRIMARY KEY, task_id uuid NOT NULL, channel text NOT NULL)',
};

/** What a careful hand-written participant keeps: an inbox, an outbox, the state of its step with what an undo needs. */
const own = `
  CREATE TABLE inbox (saga_id uuid NOT NULL, message text NOT NULL, PRIMARY KEY (saga_id, message));
  CREATE TABLE outbox (id uuid PRIMARY KEY, event json NOT NULL)
    WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
  CREATE TABLE saga_state (saga_id uuid NOT NULL, step text NOT NULL, status text NOT NULL, result json NOT NULL,
    PRIMARY KEY (saga_id, step))`;

export type Pools = Readonly<Record<ServiceName, Pool>>;

/** One pool per service, its connections open and its tables made. */
export async function openPools(at: Surroundings, connections: number): Promise<Pools> {
  const pools = {
    task: pool(at.task, connections),
    assignment: pool(at.assignment, connections),
    notification: pool(at.notification, connections),
  };
  for (const service of services) await pools[service].query(`${business[service]};${own}`);
  return pools;
}

export async function closePools(pools: Pools): Promise<void> {
  for (const service of services) await pools[service].end();
}

function pool(url: string, connections: number): Pool {
  return new Pool({ connectionString: url, max: connections, idleTimeoutMillis: 0 });
}

import { Client } from 'pg';
import { services, type ServiceName, type Surroundings } from '../programs/program.js';

const stepOf: Readonly<Record<ServiceName, string>> = {
  task: 'createTask',
  assignment: 'assignUser',
  notification: 'sendNotification',
};

const day = 86_400_000;

/** Fills the databases of a running program with sagas that ended in the ten days before, as the library would have stored them. */
export async function storeSagas(at: Surroundings, sagas: number): Promise<void> {
  for (const service of services) {
    const client = new Client({ connectionString: at[service] });
    await client.connect();
    try {
      await client.query(
        `INSERT INTO saga_step (saga_id, step, saga_type, saga_version, status, result, attempts, version)
         SELECT ${olderId}, $1, 'bench-assignment', 1, 'done', $2, 0, 1 FROM generate_series(1, $3::integer) AS n`,
        [stepOf[service], JSON.stringify(result), sagas, Date.now() - 10 * day, (9 * day) / sagas],
      );
      await client.query('VACUUM ANALYZE saga_step');
    } finally {
      await client.end();
    }
  }
}

/** A UUID of version 7, minted at its place in those days. */
const olderId = `(lpad(to_hex($4::bigint + (n * $5::float8)::bigint), 12, '0') || '7' || substr(md5(n::text), 1, 3)
  || '8' || substr(md5(n::text), 4, 15))::uuid`;

const result = {
  type: 'user.assigned',
  data: {
    taskId: '019a0000-0000-7000-8000-000000000000',
    assignmentId: '019a0000-0000-7000-8000-000000000001',
    userId: 'user-17',
    deliverable: true,
  },
};

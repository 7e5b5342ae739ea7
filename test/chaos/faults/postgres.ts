import { query } from '../../e2e/rows.js';
import { services, type ServiceName } from '../world/replica.js';
import { again, type Fault, type Pressure } from './fault.js';
import type { World } from '../world/world.js';

const connectionsCut: Fault = {
  name: 'connections-cut',
  does: 'pg_terminate_backend of connections of the services, those in a transaction first',
  inject: (world, random, pressure) =>
    again(
      pressure,
      () => 100 + random.below(400),
      async () => {
        const url = world.databases[random.pick(services)];
        const cut = await query(
          url,
          `SELECT pg_terminate_backend(pid) FROM (
             SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
             ORDER BY (state = 'idle'), random() LIMIT 2) AS victims`,
        );
        return cut.length;
      },
    ),
};

/** While the server is away the checker's own look at it must wait: only the services meet the outage. */
const restarted = (how: 'SIGQUIT' | 'SIGKILL'): Fault => ({
  name: how === 'SIGKILL' ? 'postgres-killed' : 'postgres-restarted',
  does: how === 'SIGKILL' ? 'SIGKILL of the postmaster, recovery' : 'immediate shutdown of Postgres, recovery',
  needs: 'postgres',
  inject: (world, random, pressure) =>
    again(
      pressure,
      () => 4_000,
      async () => {
        const postgres = world.servers.postgres!;
        if (how === 'SIGKILL') process.kill(postgres.pid, 'SIGKILL');
        else await postgres.kill();
        await new Promise((resolve) => setTimeout(resolve, random.below(2_000)));
        await begunAgain(postgres);
      },
    ),
});

/** The sessions of a killed server may outlive it for a moment, and keep another from starting. */
async function begunAgain(postgres: NonNullable<World['servers']['postgres']>): Promise<void> {
  for (let left = 20; ; left -= 1) {
    try {
      return await postgres.restart();
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

interface Failure {
  readonly name: string;
  readonly does: string;
  readonly state: string;
  readonly mayGiveUp?: true;
}

/** Tables in which the library and the samples write, by service. */
const tables: Readonly<Record<ServiceName, readonly string[]>> = {
  task: ['task', 'saga_step', 'saga_outbox', 'saga_event'],
  assignment: ['assignment', 'saga_step', 'saga_outbox'],
  notification: ['notification', 'reminder', 'saga_step', 'saga_outbox'],
};

const failing = ({ name, does, state, mayGiveUp }: Failure): Fault => ({
  name,
  does,
  ...(mayGiveUp && { mayGiveUp }),
  async inject(world, random, pressure) {
    for (const service of services) await breakTables(world, service, state, 0.03 + random.next() * 0.1);
    try {
      while (pressure.on) await pressure.rest(1_000);
    } finally {
      for (const service of services) await mendTables(world, service);
    }
    return timesRaised(world);
  },
});

/** A sequence counts what was raised: it alone survives the transaction that is rolled back. */
async function breakTables(world: World, service: ServiceName, state: string, share: number): Promise<void> {
  const url = world.databases[service];
  await query(
    url,
    `CREATE SEQUENCE IF NOT EXISTS chaos_raised;
     ALTER SEQUENCE chaos_raised RESTART;
     CREATE OR REPLACE FUNCTION chaos_fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
       IF random() < ${share} THEN
         PERFORM nextval('chaos_raised');
         RAISE EXCEPTION 'chaos raises this' USING ERRCODE = '${state}';
       END IF;
       RETURN NULL;
     END $$;`,
  );
  for (const table of tables[service]) {
    await query(
      url,
      `CREATE TRIGGER chaos_fail AFTER INSERT OR UPDATE OR DELETE ON ${table} FOR EACH STATEMENT EXECUTE FUNCTION chaos_fail()`,
    );
  }
}

async function mendTables(world: World, service: ServiceName): Promise<void> {
  for (const table of tables[service]) {
    await query(world.databases[service], `DROP TRIGGER IF EXISTS chaos_fail ON ${table}`);
  }
}

async function timesRaised(world: World): Promise<number> {
  const counts = services.map(async (service) => {
    const sql = 'SELECT last_value::integer AS times, is_called AS any FROM chaos_raised';
    const [row] = await query<{ times: number; any: boolean }>(world.databases[service], sql);
    return row!.any ? row!.times : 0;
  });
  return (await Promise.all(counts)).reduce((sum, times) => sum + times, 0);
}

/** Locks rows of fence rows and users against the order of the services, so that Postgres finds real deadlocks. */
async function lockAgainst(url: string, pressure: Pressure): Promise<void> {
  await query(
    url,
    `DO $$ BEGIN
       SET LOCAL lock_timeout = '2s';
       PERFORM 1 FROM (SELECT saga_id, step FROM saga_step ORDER BY updated_at DESC LIMIT 20) AS newest JOIN saga_step USING (saga_id, step)
         ORDER BY saga_id DESC, step DESC FOR UPDATE OF saga_step;
       PERFORM pg_sleep(0.05);
     EXCEPTION WHEN lock_not_available OR deadlock_detected THEN NULL; END $$`,
  );
  await pressure.rest(20);
}

const realLocks: Fault = {
  name: 'rows-locked',
  does: 'another session locks fence rows in the opposite order, again and again: waits and deadlocks that Postgres finds itself',
  inject: (world, random, pressure) =>
    again(
      pressure,
      () => 50,
      () => lockAgainst(world.databases[random.pick(services)], pressure),
    ),
};

export const postgresFaults: readonly Fault[] = [
  connectionsCut,
  restarted('SIGQUIT'),
  restarted('SIGKILL'),
  failing({
    name: 'serialization-failures',
    does: 'statements fail with SQLSTATE 40001',
    state: '40001',
    mayGiveUp: true,
  }),
  failing({ name: 'deadlocks', does: 'statements fail with SQLSTATE 40P01', state: '40P01', mayGiveUp: true }),
  failing({ name: 'disk-full', does: 'statements fail with SQLSTATE 53100', state: '53100', mayGiveUp: true }),
  realLocks,
];

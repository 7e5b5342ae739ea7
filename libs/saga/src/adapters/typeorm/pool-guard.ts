import type { EventEmitter } from 'node:events';
import type { DataSource } from 'typeorm';

const guarded = new WeakSet<object>();

/** What a query that follows on such a connection fails with says it; nobody else is there to be told. */
const surfacesWithItsQuery = (): void => undefined;

/**
 * Between the moment that a pool hands over a connection and the one that TypeORM listens to it, nobody hears its errors: one that Postgres ends in the packet
 * in which it becomes ready would end the process. Every pool that the DataSource has, and makes later, is listened to.
 */
export function guardPools({ driver }: DataSource): void {
  const pools = driver as unknown as Pools;
  for (const pool of [pools.master, ...(pools.slaves ?? [])]) guard(pool);
  if (guarded.has(driver) || !pools.createPool) return;
  guarded.add(driver);
  const createPool = pools.createPool.bind(driver);
  pools.createPool = async (...given) => guard(await createPool(...given));
}

interface Pools {
  readonly master?: EventEmitter;
  readonly slaves?: readonly EventEmitter[];
  createPool?: (...given: unknown[]) => Promise<EventEmitter>;
}

function guard<Pool extends EventEmitter | undefined>(pool: Pool): Pool {
  if (!pool || guarded.has(pool)) return pool;
  guarded.add(pool);
  pool.on('acquire', (client: EventEmitter) => {
    if (guarded.has(client)) return;
    guarded.add(client);
    client.on('error', surfacesWithItsQuery);
  });
  return pool;
}

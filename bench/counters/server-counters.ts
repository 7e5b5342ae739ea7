import { Client } from 'pg';
import { startPostgres, type Postgres } from '../../scripts/services/postgres.js';

/** What a server was made to do. */
export interface Work {
  /** Transactions that changed something: those are the ones that a commit writes to disk for. */
  readonly commits: number;
  readonly wal: number;
}

interface Mark {
  readonly lsn: string;
  readonly xid: string;
}

/**
 * A server whose counters nothing else moves: no vacuum of its own, and no page images, whose number depends on when a checkpoint came.
 * Not durable, which changes no counter.
 */
export function startCountedPostgres(): Promise<Postgres> {
  return startPostgres({
    durable: false,
    settings: { autovacuum: 'off', full_page_writes: 'off', checkpoint_timeout: '1h' },
  });
}

/** Runs the work and reads from the server what it came to. Transaction ids are given only to transactions that change something. */
export async function countingWork(url: string, work: () => Promise<void>): Promise<Work> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const before = await mark(client);
    await work();
    const after = await mark(client);
    const { rows } = await client.query<{ wal: string }>('SELECT $1::pg_lsn - $2::pg_lsn AS wal', [
      after.lsn,
      before.lsn,
    ]);
    return { commits: Number(after.xid) - Number(before.xid), wal: Number(rows[0]!.wal) };
  } finally {
    await client.end();
  }
}

async function mark(client: Client): Promise<Mark> {
  const { rows } = await client.query<Mark>(
    'SELECT pg_current_wal_insert_lsn()::text AS lsn, pg_snapshot_xmax(pg_current_snapshot())::text AS xid',
  );
  return rows[0]!;
}

/** What the library's rows take on disk, with their indexes; in the databases of these URLs together. */
export async function tableBytes(urls: readonly string[]): Promise<number> {
  let bytes = 0;
  for (const url of urls) {
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
      const { rows } = await client.query<{ bytes: string }>(`SELECT pg_total_relation_size('saga_step') AS bytes`);
      bytes += Number(rows[0]!.bytes);
    } finally {
      await client.end();
    }
  }
  return bytes;
}

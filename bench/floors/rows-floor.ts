import type { PoolClient } from 'pg';
import type { Program, Surroundings } from '../programs/program.js';
import { Acknowledged } from './acknowledged.js';
import { bookkeeping, connectionsFor, parametersOf } from './batch-floor.js';
import { Floor, type Settle } from './floor.js';
import type { FloorHandler, FloorMessage } from './message.js';
import { openPools, type Pools } from './tables.js';

/**
 * Batches in which every message writes its business row with a statement of its own, as handlers do that know nothing of each other.
 * What it loses against `openBatchFloor` no library can win back that calls handlers one by one.
 */
export async function openRowsFloor(at: Surroundings, batchSize: number): Promise<Program> {
  const workers = connectionsFor(batchSize);
  const pools = await openPools(at, workers);
  return new Floor(pools, settleIn(pools), { workers, batchSize });
}

function settleIn(pools: Pools): Settle {
  const acknowledged = new Acknowledged();
  return async (handler, batch) => {
    const client = await pools[handler.service].connect();
    try {
      await client.query('BEGIN');
      for (const message of batch) await writeRow(client, handler, message);
      await client.query(bookkeeping(handler), [...parametersOf(batch, acknowledged.take(handler.service))]);
      await client.query('COMMIT');
      acknowledged.add(
        handler.service,
        batch.map(({ outboxId }) => outboxId),
      );
    } catch (error) {
      await client.query('ROLLBACK');
      throw error;
    } finally {
      client.release();
    }
  };
}

async function writeRow(client: PoolClient, { business }: FloorHandler, message: FloorMessage): Promise<void> {
  if (business === undefined) return;
  const todo = 'WITH todo AS (SELECT $1::uuid AS saga_id, $2::uuid AS row_id)';
  await client.query(`${todo} ${business}`, [message.sagaId, message.rowId]);
}

import type { Program, Surroundings } from '../programs/program.js';
import { Acknowledged } from './acknowledged.js';
import { Floor, type Settle } from './floor.js';
import type { FloorHandler, FloorMessage } from './message.js';
import { openPools, type Pools } from './tables.js';

/** Commits at once per handler and service: more did not make it faster. */
export const connectionsFor = (batchSize: number): number => (batchSize === 1 ? 8 : 4);

/**
 * The fewest statements that do the work: one for a whole batch (inbox, business rows, state, outbox, deletion of what was handed
 * on before), which is a transaction of its own. With batches of one: one statement per message.
 */
export async function openBatchFloor(at: Surroundings, batchSize: number): Promise<Program> {
  const workers = connectionsFor(batchSize);
  const pools = await openPools(at, workers);
  return new Floor(pools, settleIn(pools), { workers, batchSize });
}

function settleIn(pools: Pools): Settle {
  const acknowledged = new Acknowledged();
  return async (handler, batch) => {
    const { service } = handler;
    await pools[service].query(statementOf(handler), [...parametersOf(batch, acknowledged.take(service))]);
    acknowledged.add(
      service,
      batch.map(({ outboxId }) => outboxId),
    );
  };
}

/** What a batch hands to its statement, and what was handed on before. */
export function parametersOf(batch: readonly FloorMessage[], acknowledged: readonly string[]): readonly unknown[] {
  return [
    batch.map(({ sagaId }) => sagaId),
    batch.map(({ rowId }) => rowId),
    batch.map(({ outboxId }) => outboxId),
    batch.map(({ event }) => event),
    acknowledged,
  ];
}

/** The statement without business rows: inbox, state, outbox, deletion. */
export function bookkeeping({ name, service, status }: FloorHandler): string {
  return statementOf({ name, service, status });
}

function statementOf({ name, status, business }: FloorHandler): string {
  return `
    WITH given AS (
      SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::json[]) AS g (saga_id, row_id, outbox_id, event)
    ), fresh AS (
      INSERT INTO inbox (saga_id, message) SELECT saga_id, '${name}:${status}' FROM given ON CONFLICT DO NOTHING RETURNING saga_id
    ), todo AS (
      SELECT given.* FROM given JOIN fresh USING (saga_id)
    ), business AS (
      ${business ?? 'SELECT 1'}
    ), state AS (
      INSERT INTO saga_state (saga_id, step, status, result) SELECT saga_id, '${name}', '${status}', event FROM todo
      ON CONFLICT (saga_id, step) DO UPDATE SET status = EXCLUDED.status
    ), staged AS (
      INSERT INTO outbox (id, event) SELECT outbox_id, event FROM todo
    )
    DELETE FROM outbox WHERE id = ANY($5::uuid[])`;
}

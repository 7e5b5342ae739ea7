import type { PoolClient } from 'pg';
import type { Program, Surroundings } from '../programs/program.js';
import { Acknowledged } from './acknowledged.js';
import { Floor, type Settle } from './floor.js';
import type { FloorHandler, FloorMessage } from './message.js';
import { closePools, openPools, type Pools } from './tables.js';

const connections = 8;
const cleanUpEvery = 100;

/** What is usually written by hand: a transaction per message with a statement for each of inbox, business row, state and outbox. */
export async function openPlainFloor(at: Surroundings): Promise<Program> {
  const pools = await openPools(at, connections);
  const acknowledged = new Acknowledged();
  const cleaning = cleanUp(pools, acknowledged);
  return new PlainFloor(pools, settleIn(pools, acknowledged), cleaning);
}

class PlainFloor extends Floor {
  constructor(
    private readonly connected: Pools,
    settle: Settle,
    private readonly stopCleaning: () => Promise<void>,
  ) {
    super(connected, settle, { workers: connections, batchSize: 1 });
  }

  override async close(): Promise<void> {
    await this.stopCleaning();
    await closePools(this.connected);
  }
}

function settleIn(pools: Pools, acknowledged: Acknowledged): Settle {
  return async (handler, [message]) => {
    const client = await pools[handler.service].connect();
    try {
      await client.query('BEGIN');
      if (await isFresh(client, handler, message!)) await write(client, handler, message!);
      await client.query('COMMIT');
      acknowledged.add(handler.service, [message!.outboxId]);
    } catch (error) {
      await client.query('ROLLBACK');
      throw error;
    } finally {
      client.release();
    }
  };
}

async function isFresh(client: PoolClient, { name, status }: FloorHandler, { sagaId }: FloorMessage): Promise<boolean> {
  const inbox = 'INSERT INTO inbox (saga_id, message) VALUES ($1, $2) ON CONFLICT DO NOTHING';
  return (await client.query(inbox, [sagaId, `${name}:${status}`])).rowCount === 1;
}

async function write(
  client: PoolClient,
  { name, status, business }: FloorHandler,
  message: FloorMessage,
): Promise<void> {
  const { sagaId, rowId, outboxId, event } = message;
  if (business !== undefined) {
    await client.query(`WITH todo AS (SELECT $1::uuid AS saga_id, $2::uuid AS row_id) ${business}`, [sagaId, rowId]);
  }
  await client.query(
    `INSERT INTO saga_state (saga_id, step, status, result) VALUES ($1, $2, $3, $4)
     ON CONFLICT (saga_id, step) DO UPDATE SET status = EXCLUDED.status`,
    [sagaId, name, status, event],
  );
  await client.query('INSERT INTO outbox (id, event) VALUES ($1, $2)', [outboxId, event]);
}

/** Deletes what was handed on, in bulk and beside the messages. */
function cleanUp(pools: Pools, acknowledged: Acknowledged): () => Promise<void> {
  let running = Promise.resolve();
  const timer = setInterval(() => {
    running = running.then(() =>
      acknowledged.takeAll((service, ids) =>
        pools[service].query('DELETE FROM outbox WHERE id = ANY($1::uuid[])', [ids]),
      ),
    );
  }, cleanUpEvery);
  return () => {
    clearInterval(timer);
    return running;
  };
}

import type { DataSource } from 'typeorm';
import type { Outbox, OutboxMessage } from '../../ports/step-store.js';
import { unpacked } from './row-mapping.js';
import { queryApart, rolledBack } from './step-transaction.js';

interface OutboxRecord {
  readonly id: string;
  readonly event: Parameters<typeof unpacked>[1];
}

export class TypeOrmOutbox implements Outbox {
  constructor(private readonly dataSource: DataSource) {}

  /** The rows stay locked while they are published, so replicas pass them over; a crash in between publishes them again. */
  async sweep(
    limit: number,
    olderThanMs: number,
    publish: (messages: readonly OutboxMessage[]) => Promise<readonly string[]>,
  ): Promise<number> {
    const runner = this.dataSource.createQueryRunner();
    try {
      await runner.startTransaction();
      const records = (await runner.query(
        `SELECT id, event FROM saga_outbox WHERE created_at <= now() - $2 * interval '1 millisecond'
         ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED`,
        [limit, olderThanMs],
      )) as OutboxRecord[];
      const published = records.length > 0 ? await publish(records.map(({ id, event }) => unpacked(id, event))) : [];
      if (published.length > 0) await runner.query('DELETE FROM saga_outbox WHERE id = ANY($1::uuid[])', [published]);
      await runner.commitTransaction();
      return published.length;
    } catch (error) {
      await rolledBack(runner);
      throw error;
    } finally {
      await runner.release();
    }
  }

  async delete(ids: readonly string[]): Promise<void> {
    await queryApart(this.dataSource, 'DELETE FROM saga_outbox WHERE id = ANY($1::uuid[])', [ids]);
  }

  async backlog(): Promise<{ readonly size: number; readonly oldest?: Date }> {
    const [{ size, oldest }] = await queryApart<[{ size: number; oldest: Date | null }]>(
      this.dataSource,
      'SELECT count(*)::integer AS size, min(created_at) AS oldest FROM saga_outbox',
    );
    return { size, ...(oldest && { oldest }) };
  }
}

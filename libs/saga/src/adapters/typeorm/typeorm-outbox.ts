import type { DataSource } from 'typeorm';
import type { Outbox, OutboxMessage } from '../../ports/step-store.js';
import { unpacked } from './row-mapping.js';
import { asJson } from './statements.js';
import { beginWith, queryApart, rolledBack, withRunner } from './step-transaction.js';
import { readWith } from './reading.js';
import type { Tables } from './tables.js';

interface OutboxRecord {
  readonly id: string;
  readonly event: Parameters<typeof unpacked>[1];
}

export class TypeOrmOutbox implements Outbox {
  constructor(
    private readonly dataSource: DataSource,
    private readonly tables: Tables,
  ) {}

  /** The rows stay locked while they are published, so replicas pass them over; a crash in between publishes them again. */
  async sweep(
    limit: number,
    olderThanMs: number,
    publish: (messages: readonly OutboxMessage[]) => Promise<readonly string[]>,
  ): Promise<number> {
    const { outbox } = this.tables;
    return withRunner(this.dataSource, async (runner) => {
      try {
        await beginWith(runner, undefined);
        const records = await readWith<OutboxRecord>(
          runner,
          asJson(`SELECT id, event FROM ${outbox} WHERE created_at <= now() - $2 * interval '1 millisecond'
         ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED`),
          [limit, olderThanMs],
        );
        const published = records.length > 0 ? await publish(records.map(({ id, event }) => unpacked(id, event))) : [];
        if (published.length > 0) await runner.query(`DELETE FROM ${outbox} WHERE id = ANY($1::uuid[])`, [published]);
        await runner.commitTransaction();
        return published.length;
      } catch (error) {
        await rolledBack(runner);
        throw error;
      }
    });
  }

  async delete(ids: readonly string[]): Promise<void> {
    await queryApart(this.dataSource, `DELETE FROM ${this.tables.outbox} WHERE id = ANY($1::uuid[])`, [ids]);
  }

  async backlog(): Promise<{ readonly size: number; readonly oldest?: Date }> {
    const [backlog] = await queryApart<{ readonly size: number; readonly oldest: string | null }>(
      this.dataSource,
      asJson(`SELECT count(*) AS size, min(created_at) AS oldest FROM ${this.tables.outbox}`),
    );
    return { size: backlog?.size ?? 0, ...(backlog?.oldest && { oldest: new Date(backlog.oldest) }) };
  }
}

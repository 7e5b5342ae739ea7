import type QueryStream from 'pg-query-stream';
import type { Pool } from 'pg';
import { BaseEntity, DataSource, Entity, PrimaryColumn, Repository, type QueryRunner } from 'typeorm';
import { migrate } from '../../libs/saga/src/adapters/typeorm/migrations.js';
import { TypeOrmStore } from '../../libs/saga/src/adapters/typeorm/typeorm-store.js';
import type { StepTransaction } from '../../libs/saga/src/ports/step-store.js';
import { freshDatabase } from '../support/database.js';
import { recordingClient, type Conversation } from './recording.js';

@Entity()
export class Item extends BaseEntity {
  @PrimaryColumn({ type: 'text' }) id!: string;
}

/** As it is written since TypeORM 0.3. */
export class ItemRepository extends Repository<Item> {
  constructor(dataSource: DataSource) {
    super(Item, dataSource.createEntityManager());
  }
}

export const insert = 'INSERT INTO item (id) VALUES ($1)';

export async function boom(): Promise<never> {
  throw new Error('boom');
}

export const connect = (url: string, more: object = {}): Promise<DataSource> =>
  new DataSource({ type: 'postgres', url, entities: [Item], ...more }).initialize();

/** A service with a master and a slave (the same database), and somebody who watches what is committed. */
export class DoorScene {
  readonly conversation: Conversation = [];
  readonly store: TypeOrmStore;

  private constructor(
    readonly url: string,
    readonly dataSource: DataSource,
    readonly watching: DataSource,
    /** Older than the store. */
    readonly early: ItemRepository,
    conversation: Conversation,
  ) {
    this.conversation = conversation;
    this.store = new TypeOrmStore(dataSource);
  }

  static async open(more: object = {}): Promise<DoorScene> {
    const url = await freshDatabase();
    const watching = await connect(url);
    await watching.synchronize();
    const conversation: Conversation = [];
    const replication = { master: { url }, slaves: [{ url }] };
    const dataSource = await connect(url, { extra: { Client: recordingClient(conversation) }, replication, ...more });
    const early = new ItemRepository(dataSource);
    await migrate(dataSource);
    Item.useDataSource(dataSource);
    return new DoorScene(url, dataSource, watching, early, conversation);
  }

  readonly step = <T>(method: (transaction: StepTransaction) => Promise<T>): Promise<T> =>
    this.store.transaction([], (transaction) => transaction.run(() => method(transaction)));

  async emptied(): Promise<void> {
    await this.watching.query('TRUNCATE item');
    this.conversation.length = 0;
  }

  /** The committed rows. */
  async items(): Promise<readonly string[]> {
    const rows = await this.watching.query<{ id: string }[]>('SELECT id FROM item ORDER BY id');
    return rows.map(({ id }) => id);
  }

  async byHand(work: (runner: QueryRunner) => Promise<unknown>): Promise<void> {
    const runner = this.dataSource.createQueryRunner();
    try {
      await work(runner);
    } finally {
      await runner.release();
    }
  }

  async stream(text: string, values: unknown[] = []): Promise<QueryStream> {
    return (await this.dataSource.createQueryRunner().stream(text, values)) as unknown as QueryStream;
  }

  get pool(): Pool {
    return (this.dataSource.driver as unknown as { readonly master: Pool }).master;
  }

  async close(): Promise<void> {
    await this.dataSource.destroy();
    await this.watching.destroy();
  }
}

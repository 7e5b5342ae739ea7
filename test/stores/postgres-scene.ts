import { setTimeout as sleep } from 'node:timers/promises';
import { Column, DataSource, Entity, PrimaryColumn, type DataSourceOptions } from 'typeorm';
import { migrate } from '../../libs/saga/src/adapters/typeorm/migrations.js';
import { TypeOrmStore } from '../../libs/saga/src/adapters/typeorm/typeorm-store.js';
import type { BusinessStoreHarness } from '../../libs/saga/src/testing/store-contract.js';
import { freshDatabase } from '../support/database.js';
import { faultyClient, Faults } from './faulty.js';

/** The application's own table. */
@Entity()
export class Line {
  @PrimaryColumn({ type: 'text' }) id!: string;
  @Column({ type: 'text', default: '' }) note!: string;
}

type PostgresOptions = Extract<DataSourceOptions, { readonly type: 'postgres' }>;

export async function connected(url: string, options: Partial<PostgresOptions> = {}): Promise<DataSource> {
  return new DataSource({ type: 'postgres', url, entities: [Line], ...options }).initialize();
}

/** A database with the library's tables and the application's, and two clients of it. */
export class PostgresScene {
  readonly store: TypeOrmStore;
  readonly other: TypeOrmStore;

  private constructor(
    readonly url: string,
    readonly dataSource: DataSource,
    readonly otherDataSource: DataSource,
    private readonly faults: Faults,
  ) {
    this.store = new TypeOrmStore(dataSource);
    this.other = new TypeOrmStore(otherDataSource);
  }

  static async open({ extra, ...options }: Partial<PostgresOptions> = {}): Promise<PostgresScene> {
    const url = await freshDatabase();
    const faults = new Faults();
    const dataSource = await connected(url, { ...options, extra: { Client: faultyClient(faults), ...extra } });
    await dataSource.synchronize();
    await migrate(dataSource);
    return new PostgresScene(url, dataSource, await connected(url), faults);
  }

  async emptied(): Promise<BusinessStoreHarness> {
    await this.otherDataSource.query('TRUNCATE saga_step, saga_timer, saga_outbox, saga_dead_letter, saga_audit, line');
    const lines = this.dataSource.getRepository(Line);
    return {
      stores: [this.store, this.other],
      now: () => new Date(),
      elapse: async (ms) => sleep(ms),
      failNext: (fault) => void (this.faults.next = fault),
      write: async (id) => void (await lines.insert({ id })),
      written: async () => this.lines(),
    };
  }

  /** The committed business rows. */
  async lines(): Promise<readonly string[]> {
    const lines = await this.otherDataSource.getRepository(Line).find({ order: { id: 'ASC' } });
    return lines.map(({ id }) => id);
  }

  async close(): Promise<void> {
    await this.dataSource.destroy();
    await this.otherDataSource.destroy();
  }
}

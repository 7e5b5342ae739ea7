import type { DataSource } from 'typeorm';
import { databaseTrouble } from '../adapters/typeorm/database-settings.js';
import { isTableMissing } from '../adapters/typeorm/missing-tables.js';
import { knownMigrations, lookAtTables, migrateTables } from '../adapters/typeorm/migrations.js';
import { guardPools } from '../adapters/typeorm/pool-guard.js';
import { claimTables, findTables, type TableUser } from '../adapters/typeorm/table-owners.js';
import { identifier, tableNames, tablesOf, type Tables } from '../adapters/typeorm/tables.js';
import { SagaError } from '../protocol/errors.js';
import { reasonOf } from '../protocol/reason.js';
import type { Topics } from '../protocol/topics.js';
import type { Clock } from '../ports/clock.js';
import type { Transport, TransportContext } from '../ports/transport.js';
import type { SagaModuleOptions } from './saga.options.js';
import { InvalidSagaSetup } from './setup-checks.js';

const askAgainAfter = 1_000;
/** A broker that has just started, or a group that it has never heard of, does not answer at once; nobody needs to know. */
const quietQuestions = 3;

interface Ground {
  readonly options: Pick<SagaModuleOptions, 'service' | 'migrations' | 'lostTables'>;
  readonly transport: Pick<Transport, 'hasConsumed'>;
  readonly topics: Topics;
  readonly logger: TransportContext['logger'];
  readonly clock: Pick<Clock, 'after'>;
}

/** The library's tables of a service: finds them, brings them up to date, sees that they are its own, and makes them again where that takes no fence away. */
export class SagaTables {
  private found: Tables;
  private making: Promise<void> | undefined;

  constructor(
    private readonly ground: Ground,
    private readonly dataSource: DataSource,
  ) {
    this.found = tablesOf(dataSource);
  }

  get names(): Tables {
    return this.found;
  }

  /** @throws InvalidSagaSetup, saying what to do */
  async prepare(user: TableUser): Promise<void> {
    const { dataSource } = this;
    const { logger, options } = this.ground;
    guardPools(dataSource);
    const { unfit, unsafe } = await databaseTrouble(dataSource);
    this.refuse([...unfit, ...this.foreignEntities()]);
    for (const setting of unsafe)
      logger.warn(
        `${setting} is off in Postgres: when it or its machine dies, steps that were committed and told are lost, and their sagas go on as if they had happened. Switch it on for the server, the database and the role of this service.`,
      );
    const { tables, adopted, others } = await findTables(dataSource, user);
    this.found = tables;
    this.refuseOthers(others);
    if (adopted)
      logger.warn(
        `The tables of sagas stay in schema "${tables.schema}", where an earlier version made them, and not in "${tablesOf(dataSource).schema}". To move them: stop all replicas, then ALTER TABLE … SET SCHEMA for each of ${tableNames.join(', ')}.`,
      );
    await this.asSetup(() => this.bringUp());
    const owners = await claimTables(dataSource, this.found, options.service);
    this.refuseOthers(owners);
    if (owners.length > 1)
      logger.warn(
        `Schema "${this.found.schema}" has the tables of several services (${owners.join(', ')}), which take each other's due attempts, timers, parked events and listeners of one name. Give each a schema of its own.`,
      );
  }

  /**
   * Runs what needs the tables. Where they were dropped meanwhile they are made again, and it is run once more.
   *
   * @throws SagaError `TABLES_MISSING` where they are not to be made again
   */
  async with<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!isTableMissing(error)) throw error;
      this.making ??= this.remake(error).finally(() => (this.making = undefined));
      await this.making;
      return work();
    }
  }

  private async remake(error: unknown): Promise<void> {
    const { schema } = this.found;
    const state = await lookAtTables(this.dataSource, this.found);
    if (state.status === 'kept') return; // somebody else has made them
    if (this.ground.options.migrations === 'manual' || (await this.isFenceLost())) throw this.missing(error);
    this.ground.logger.error(
      `The tables of sagas in schema "${schema}" were dropped while the service runs (${reasonOf(error)}). They are made again, empty: sagas that were under way are forgotten.`,
    );
    await migrateTables(this.dataSource, this.found);
    await claimTables(this.dataSource, this.found, this.ground.options.service);
  }

  private async bringUp(): Promise<void> {
    const { logger, options } = this.ground;
    const state = await lookAtTables(this.dataSource, this.found);
    if (options.migrations === 'manual') return this.refuse(await this.lacking());
    if ((state.status === 'absent' || state.status === 'emptied') && (await this.isFenceLost()))
      this.refuse([`${this.lostLine()} ${this.wayOut()}`]);
    if (state.status === 'emptied')
      logger.warn(
        `All tables of schema "${this.found.schema}" were emptied, those of sagas too: whatever sagas were under way are forgotten.`,
      );
    if (state.status === 'kept' && state.done > knownMigrations)
      logger.warn(
        `The tables of sagas were made by a newer version of nest-saga (${state.done} migrations, this one knows ${knownMigrations}): fine while that version is being deployed, and no more.`,
      );
    await migrateTables(this.dataSource, this.found);
  }

  private async lacking(): Promise<readonly string[]> {
    const state = await lookAtTables(this.dataSource, this.found);
    const missing = state.status === 'kept' ? knownMigrations - state.done : knownMigrations;
    if (missing <= 0) return [];
    return [
      `the tables of sagas lack ${missing} migrations; with migrations: 'manual', call migrateSagaTables(dataSource) before the service starts`,
    ];
  }

  /** Without the rows of what it has consumed, a service would do again what comes again. */
  private async isFenceLost(): Promise<boolean> {
    const { options, transport, topics, clock, logger } = this.ground;
    if (options.lostTables === 'makeAgain' || !transport.hasConsumed) return false;
    const groups = [topics.group(options.service), topics.group(`${options.service}.listeners`)];
    for (let asked = 0; ; asked += 1) {
      try {
        if (!(await transport.hasConsumed(groups))) return false;
        const { status } = await lookAtTables(this.dataSource, this.found);
        return status !== 'kept'; // a replica may have made them and consumed meanwhile
      } catch (error) {
        if (asked === quietQuestions)
          logger.warn(
            `There are no tables of sagas, and whether they were lost is asked of the transport, which does not answer: ${reasonOf(error)}. It is asked again until it does.`,
          );
        await new Promise<void>((resolve) => clock.after(askAgainAfter, resolve));
      }
    }
  }

  private missing(cause: unknown): SagaError {
    return new SagaError('TABLES_MISSING', `${this.lostLine()} ${this.wayOut()}`, { retriable: false }, { cause });
  }

  private lostLine(): string {
    return `the tables of sagas in schema "${this.found.schema}" are gone or emptied, but this service has consumed events before: without its rows, what comes again would be done again.`;
  }

  private wayOut(): string {
    return `Restore the tables from a backup; or, where nothing is under way (a test, a new environment), say lostTables: 'makeAgain' in SagaModule.forRoot, or call migrateSagaTables(dataSource).`;
  }

  private refuseOthers(owners: readonly string[]): void {
    const { service } = this.ground.options;
    if (owners.length === 0 || owners.includes(service)) return;
    const table = `${identifier(this.found.schema)}.saga_owner`;
    this.refuse([
      `the tables of sagas in schema "${this.found.schema}" are those of service ${owners.map((owner) => `"${owner}"`).join(' and ')}, and "${service}" would take its timers, attempts and events. Give the DataSource of "${service}" a schema of its own: schema: '…'. If "${service}" was called "${owners[0]}" before, say so: UPDATE ${table} SET service = '${service}'. If both have shared these tables since an earlier version, INSERT INTO ${table} (service) VALUES ('${service}') lets them go on as they did`,
    ]);
  }

  /** TypeORM's `synchronize` would make the library's table that of the entity. */
  private foreignEntities(): readonly string[] {
    const { schema } = tablesOf(this.dataSource);
    return this.dataSource.entityMetadatas
      .filter((entity) => tableNames.includes(entity.tableName) && (entity.schema ?? schema) === schema)
      .map(
        ({ name, tableName }) =>
          `entity ${name} has the table "${tableName}", which is the library's; give it another name: @Entity({ name: '…' })`,
      );
  }

  private async asSetup(work: () => Promise<void>): Promise<void> {
    await work().catch((error: unknown) => {
      if (error instanceof SagaError) this.refuse([error.message]);
      throw error;
    });
  }

  private refuse(violations: readonly string[]): void {
    if (violations.length > 0) throw new InvalidSagaSetup(this.ground.options.service, violations);
  }
}

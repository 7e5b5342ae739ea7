import { Injectable, type Type } from '@nestjs/common';
import type { TestingModule } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { inMemory, OnSagaEvent, Sagas, SagaStep, type SagaModuleOptions } from 'nest-saga';
import { DataSource, Entity, PrimaryColumn } from 'typeorm';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { migrations } from '../../libs/saga/src/adapters/typeorm/migrations.js';
import { freshDatabase } from '../support/database.js';
import { Note, startedOn } from './database-scene.js';
import { LogLines } from './log-lines.js';
import { Payment, PaymentDone } from './order-saga.js';
import { eventually } from './scene.js';

@Injectable()
class Paying {
  @SagaStep(Payment.steps.pay)
  pay(): PaymentDone {
    return new PaymentDone({ orderId: 'o1' });
  }
}

/** A listener; all of them have one name. */
function projection(heard: string[]): Type {
  @Injectable()
  class Projection {
    @OnSagaEvent(PaymentDone)
    on({ orderId }: PaymentDone): void {
      heard.push(orderId);
    }
  }
  return Projection;
}

let url: string;
let admin: DataSource;
beforeEach(async () => {
  url = await freshDatabase();
  admin = await new DataSource({ type: 'postgres', url }).initialize();
  return () => admin.destroy();
});

const options = (saga: Partial<SagaModuleOptions>, providers: Type[] = [Paying], log = new LogLines()) => ({
  providers,
  saga: { sagas: [Payment], ...saga },
  log,
});
const service = (name: string, schema?: string, providers?: Type[], log?: LogLines): Promise<TestingModule> =>
  startedOn(
    url,
    options({ service: name }, providers, log),
    schema === undefined ? {} : { schema, synchronize: false },
  );
const count = async (table: string): Promise<number> =>
  Number((await admin.query<[{ n: string }]>(`SELECT count(*) AS n FROM ${table}`))[0].n);
const places = async (): Promise<readonly string[]> =>
  (
    await admin.query<{ place: string }[]>(
      "SELECT schemaname AS place FROM pg_tables WHERE tablename = 'saga_step' ORDER BY 1",
    )
  ).map(({ place }) => place);
/** The tables as b091c1f left them: in the first schema of the search_path, without an owner. */
async function asBefore(rows: number): Promise<void> {
  await admin.query('CREATE TABLE saga_migration (id integer PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())');
  for (const [index, statements] of migrations.slice(0, 11).entries())
    await admin.query(`${statements} ; INSERT INTO saga_migration (id) VALUES (${index + 1})`);
  await admin.query(
    `INSERT INTO saga_step (saga_id, step, saga_type, saga_version, status, attempts, version)
     SELECT gen_random_uuid(), 'pay', 'payment', 1, 'done', 0, 1 FROM generate_series(1, ${rows})`,
  );
}

const start = (app: TestingModule) => app.get(Sagas).start(Payment, {});

describe("a service's tables", () => {
  test('are in the schema of its DataSource, which is made where there is none: each of two services hears each event once', async () => {
    const heard = { shop: [] as string[], mail: [] as string[] };
    const transport = inMemory();
    const open = (name: 'shop' | 'mail', schema: string, more: Type[]): Promise<TestingModule> =>
      startedOn(url, options({ service: name, transport }, [projection(heard[name]), ...more]), {
        schema,
        synchronize: false,
      });
    const shop = await open('shop', 'My-"Shop"', [Paying]);
    await open('mail', 'order', []);
    for (let n = 0; n < 10; n += 1) await shop.get(Sagas).start(Payment, {});
    await eventually(() => expect([heard.shop.length, heard.mail.length]).toEqual([10, 10]));
    expect(await places()).toEqual(['My-"Shop"', 'order']);
    expect(await count('"My-""Shop""".saga_step')).toBe(20);
    expect(await count('"order".saga_step')).toBe(10);
  });

  test('are found whatever the search_path says later, of the database, the role or the step', async () => {
    @Injectable()
    class Wandering {
      constructor(private readonly dataSource: DataSource) {}
      @SagaStep(Payment.steps.pay)
      async pay(): Promise<PaymentDone> {
        await this.dataSource.query('SET LOCAL search_path = pg_catalog');
        return new PaymentDone({ orderId: 'o1' });
      }
    }
    const app = await service('shop', 'shop', [Wandering]);
    const { database } = app.get(DataSource).driver;
    await admin.query(`ALTER DATABASE "${database}" SET search_path = nowhere`);
    await app
      .get(DataSource)
      .query(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
      )
      .catch(() => undefined);
    await eventually(async () => expect((await app.get(Sagas).start(Payment, {})).step).toBe('done'));
  });

  test('are its alone: another service is refused with what to do, and a new name is told', async () => {
    await (await service('shop')).close();
    await expect(service('mail')).rejects.toThrow(
      'the tables of sagas in schema "public" are those of service "shop", and "mail" would take its timers, attempts and events. Give the DataSource of "mail" a schema of its own',
    );
    await admin.query("UPDATE saga_owner SET service = 'mail'");
    expect((await (await service('mail')).get(Sagas).start(Payment, {})).step).toBe('done');
    await expect(service('shop')).rejects.toThrow('are those of service "mail"');
  });

  test("are the first one's when two services start on an empty schema at the same time", async () => {
    const opened = await Promise.allSettled(['shop', 'mail', 'till'].map((name) => service(name)));
    expect(opened.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await count('saga_owner')).toBe(1);
  });

  test("stay where they are when a schema of the role's name comes before it in the search_path", async () => {
    await (await service('shop')).close();
    const [{ name }] = await admin.query<[{ name: string }]>('SELECT current_user AS name');
    await admin.query(`CREATE SCHEMA "${name}"`);
    await service('shop');
    expect(await places()).toEqual(['public']);
  });

  test('are no matter of TypeORM: it proposes nothing about them, whatever the names of its own', async () => {
    await service('shop');
    const own = await new DataSource({ type: 'postgres', url, entities: [Note], entityPrefix: 'saga_' }).initialize();
    onTestFinished(() => own.destroy());
    await own.synchronize();
    expect((await own.driver.createSchemaBuilder().log()).upQueries).toEqual([]);
    expect((await start(await service('shop'))).step).toBe('done');
  });

  test('that two services have shared since an earlier version stay so where that is said, and both are told', async () => {
    await service('shop');
    await admin.query("INSERT INTO saga_owner (service) VALUES ('mail')");
    const log = new LogLines();
    await service('mail', undefined, [Paying], log);
    expect(log.warnings.join()).toContain('has the tables of several services (shop, mail)');
  });

  test('are not mapped by an entity of the application', async () => {
    @Entity()
    class SagaStepRow {
      @PrimaryColumn({ type: 'text' }) id!: string;
    }
    Reflect.defineProperty(SagaStepRow, 'name', { value: 'SagaStep' });
    await expect(
      startedOn(
        url,
        { ...options({}), imports: [TypeOrmModule.forFeature([SagaStepRow])] },
        { entities: [SagaStepRow], synchronize: false },
      ),
    ).rejects.toThrow('entity SagaStep has the table "saga_step", which is the library\'s');
  });
});

describe('tables that an earlier version made in the first schema of the search_path', () => {
  test('are adopted by the service whose rows they have, and stay where its older replicas look', async () => {
    await asBefore(3);
    const log = new LogLines();
    const app = await service('shop', 'shop', [Paying], log);
    await app.get(Sagas).start(Payment, {});
    expect([await places(), await count('public.saga_step')]).toEqual([['public'], 4]);
    expect(log.warnings.join()).toContain(
      'stay in schema "public", where an earlier version made them, and not in "shop"',
    );
  });

  test('are left to others by a service that has no rows there', async () => {
    await asBefore(3);
    await service('mail', 'mail', [projection([])]);
    expect(await places()).toEqual(['mail', 'public']);
  });

  test('refuse a service that has rows there beside those of their owner', async () => {
    await asBefore(3);
    await service('shop', 'shop');
    await expect(service('till', 'till')).rejects.toThrow('in schema "public" are those of service "shop"');
    expect(await places()).toEqual(['public']);
  });

  test('say how far they are though what was noted of it is gone', async () => {
    await asBefore(3);
    await admin.query('DELETE FROM saga_migration');
    await service('shop');
    expect(await count('saga_step')).toBe(3);
    expect(await count('saga_migration')).toBeGreaterThan(11);
  });
});

describe('tables that are gone', () => {
  /** A transport whose groups have consumed. */
  const consumed: SagaModuleOptions['transport'] = (context) =>
    Object.assign(inMemory()(context), { hasConsumed: () => Promise.resolve(true) });

  test('are made again at once by a service that runs, loudly', async () => {
    const log = new LogLines();
    const app = await startedOn(url, options({}, [Paying], log));
    await app.get(DataSource).synchronize(true);
    const starts = await Promise.all([1, 2, 3].map(() => start(app)));
    expect(starts.map(({ step }) => step)).toEqual(['done', 'done', 'done']);
    expect(log.errors.filter((line) => line.includes('were dropped while the service runs'))).toHaveLength(1);
  });

  test.each(['TRUNCATE', 'DELETE FROM'])(
    'or emptied (%s) are taken up by the next start, which says so',
    async (verb) => {
      const app = await startedOn(url, options({}));
      await start(app);
      for (const { tablename } of await admin.query<{ tablename: string }[]>(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
      ))
        await admin.query(`${verb} "${tablename}"`);
      await start(app); // writes into what is emptied
      await app.close();
      const log = new LogLines();
      expect((await start(await startedOn(url, options({}, [Paying], log)))).step).toBe('done');
      expect(log.warnings.join()).toContain('All tables of schema "public" were emptied');
    },
  );

  test('are not made again where the group of the service has consumed, unless that is said', async () => {
    await expect(startedOn(url, options({ transport: consumed }))).rejects.toThrow(
      'what comes again would be done again. Restore the tables from a backup; or',
    );
    const app = await startedOn(url, options({ transport: consumed, lostTables: 'makeAgain' }));
    await app.close();
    const running = await startedOn(url, options({ transport: consumed }));
    await admin.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
    await expect(start(running)).rejects.toMatchObject({ code: 'TABLES_MISSING' });
    expect(await places()).toEqual([]);
  });

  test('in part are named', async () => {
    await service('shop');
    await admin.query('DROP TABLE saga_outbox');
    await expect(service('shop')).rejects.toThrow(/Schema "public" has .*saga_step.* but not saga_outbox\. /);
  });
});

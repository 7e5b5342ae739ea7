import { Injectable } from '@nestjs/common';
import type { TestingModule } from '@nestjs/testing';
import { getDataSourceToken, InjectRepository, TypeOrmModule } from '@nestjs/typeorm';
import { migrateSagaTables, Sagas, SagaStep, type SagaModuleOptions } from 'nest-saga';
import { DataSource, type Repository } from 'typeorm';
import { describe, expect, test } from 'vitest';
import { freshDatabase } from '../support/database.js';
import { Note, startedOn } from './database-scene.js';
import { Payment, PaymentDone } from './order-saga.js';
import { compiled, started } from './scene.js';

@Injectable()
class Steps {
  @SagaStep(Payment.steps.pay)
  pay(): PaymentDone {
    return new PaymentDone({ orderId: 'o1' });
  }
}

const inPostgres = (more: object = {}): Partial<SagaModuleOptions> => ({ store: undefined, ...more });
const source = (url: string, more: object = {}) =>
  TypeOrmModule.forRoot({ type: 'postgres', url, entities: [Note], synchronize: true, retryAttempts: 0, ...more });

describe('a DataSource that nobody initialized', () => {
  const manual = async (): Promise<TestingModule> =>
    compiled({
      providers: [Steps],
      saga: inPostgres(),
      imports: [source(await freshDatabase(), { manualInitialization: true })],
    });

  test('is named, with what to do', async () => {
    const app = await manual();
    await expect(app.init()).rejects.toThrow(
      "the default TypeORM DataSource is not initialized; leave out manualInitialization, or call its initialize() before the application's init() or listen()",
    );
  });

  test('may be initialized before the application', async () => {
    const app = await manual();
    await app.get(DataSource).initialize();
    await app.init();
    expect((await app.get(Sagas).start(Payment, {})).step).toBe('done');
  });
});

describe("with migrations: 'manual'", () => {
  const manually = (url: string): Promise<TestingModule> =>
    startedOn(url, { providers: [Steps], saga: { migrations: 'manual' } });

  test('a service does not start without its tables, nor with older ones', async () => {
    const url = await freshDatabase();
    const dataSource = await new DataSource({ type: 'postgres', url }).initialize();
    await expect(manually(url)).rejects.toThrow(
      /the tables of sagas lack \d+ migrations; with migrations: 'manual', call migrateSagaTables\(dataSource\) before the service starts/,
    );
    await migrateSagaTables(dataSource);
    await dataSource.query('DELETE FROM saga_migration WHERE id = (SELECT max(id) FROM saga_migration)');
    await expect(manually(url)).rejects.toThrow('the tables of sagas lack 1 migrations;');
    await dataSource.query('INSERT INTO saga_migration (id) SELECT max(id) + 1 FROM saga_migration');
    const app = await manually(url);
    expect((await app.get(Sagas).start(Payment, {})).step).toBe('done');
    await dataSource.destroy();
  });
});

describe('of two DataSources one is that of the steps', () => {
  @Injectable()
  class Writing {
    constructor(@InjectRepository(Note, 'other') private readonly notes: Repository<Note>) {}
    @SagaStep(Payment.steps.pay)
    async pay(): Promise<never> {
      await this.notes.save({ text: 'of a step that throws' });
      throw new Error('after save');
    }
  }

  test.each<[string, object, number]>([
    ['the named one: a throw after a save there leaves no row', { dataSource: 'other' }, 0],
    ['not the other: what was saved there stays', {}, 1],
  ])('%s', async (_what, saga, left) => {
    const app = await started({
      providers: [Writing],
      saga: inPostgres(saga),
      imports: [
        source(await freshDatabase()),
        source(await freshDatabase(), { name: 'other' }),
        TypeOrmModule.forFeature([Note], 'other'),
      ],
    });
    await expect(app.get(Sagas).start(Payment, {})).rejects.toThrow('after save');
    const other = app.get<DataSource>(getDataSourceToken('other'));
    expect(await other.query('SELECT text FROM note')).toHaveLength(left);
  });
});

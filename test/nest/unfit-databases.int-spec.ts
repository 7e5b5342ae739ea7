import { Injectable } from '@nestjs/common';
import type { TestingModule } from '@nestjs/testing';
import { migrateSagaTables, Sagas, SagaStep } from 'nest-saga';
import { DataSource } from 'typeorm';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { freshDatabase } from '../support/database.js';
import { startedOn } from './database-scene.js';
import { LogLines } from './log-lines.js';
import { Payment, PaymentDone } from './order-saga.js';

@Injectable()
class Paying {
  @SagaStep(Payment.steps.pay)
  pay(): PaymentDone {
    return new PaymentDone({ orderId: 'o1' });
  }
}

let url: string;
let admin: DataSource;
beforeEach(async () => {
  url = await freshDatabase();
  admin = await new DataSource({ type: 'postgres', url }).initialize();
  return () => admin.destroy();
});

const start = (app: TestingModule) => app.get(Sagas).start(Payment, {});

describe('a database in which a service cannot work safely', () => {
  test('is refused where its role may make no tables, with the grant, and taken where they are made', async () => {
    const role = `narrow_${Date.now()}`;
    await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD 'x'; REVOKE CREATE ON SCHEMA public FROM PUBLIC`);
    const narrow = new URL(url);
    Object.assign(narrow, { username: role, password: 'x' });
    const open = () => startedOn(narrow.href, { providers: [Paying] }, { synchronize: false });
    onTestFinished(async () => {
      const owner = await new DataSource({ type: 'postgres', url }).initialize();
      await owner.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
      await owner.destroy();
    });
    await expect(open()).rejects.toThrow('Let it: GRANT USAGE, CREATE ON SCHEMA "public" TO <role>');
    await migrateSagaTables(admin);
    await admin.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${role}`);
    expect((await start(await open())).step).toBe('done');
  });

  test('is refused where it takes no writes', async () => {
    await expect(
      startedOn(
        url,
        { providers: [Paying] },
        { synchronize: false, extra: { options: '-c default_transaction_read_only=on' } },
      ),
    ).rejects.toThrow('the transactions of the DataSource are read-only');
  });

  test('that forgets commits, or that a newer version has made, is told', async () => {
    const log = new LogLines();
    await migrateSagaTables(admin);
    await admin.query('INSERT INTO saga_migration (id) SELECT max(id) + 1 FROM saga_migration');
    await startedOn(url, { providers: [Paying], log }, { extra: { options: '-c synchronous_commit=off' } });
    expect(log.warnings.join()).toContain('synchronous_commit is off in Postgres');
    expect(log.warnings.join()).toContain('were made by a newer version of nest-saga');
  });
});

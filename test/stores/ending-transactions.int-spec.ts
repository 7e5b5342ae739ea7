import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { PoolClient } from 'pg';
import type { QueryRunner } from 'typeorm';
import { boom, DoorScene } from './doors-scene.js';

let scene: DoorScene;

beforeAll(async () => void (scene = await DoorScene.open()));
afterAll(() => scene.close());
beforeEach(() => scene.emptied());

describe('the end of a transaction is the step’s', () => {
  const refused = { code: 'TRANSACTION_OF_THE_STEP' };
  const runner = (): QueryRunner => scene.dataSource.manager.queryRunner!;
  const client = async (): Promise<PoolClient> => (await runner().connect()) as PoolClient;

  it.each<[string, () => Promise<unknown>]>([
    ['commitTransaction', () => runner().commitTransaction()],
    ['rollbackTransaction', () => runner().rollbackTransaction()],
    ['commitTransaction of a runner of its own', () => scene.dataSource.createQueryRunner().commitTransaction()],
    ['COMMIT of a runner', () => runner().query('COMMIT')],
    ['COMMIT of the client', async () => (await client()).query('COMMIT')],
    ['COMMIT of a client of the pool', () => scene.pool.query('COMMIT')],
    ['COMMIT as an object', async () => (await client()).query({ text: 'COMMIT', name: 'done' })],
    ['a comment before it', () => scene.early.query('/* done */ COMMIT')],
    ['a comment in a comment before it', () => scene.early.query('/* a /* b */ c */ -- d\n\tCOMMIT')],
    ['an empty statement before it', () => scene.early.query(' ; COMMIT')],
    ['COMMIT AND CHAIN', () => scene.early.query('commit and chain')],
    ['ROLLBACK WORK', () => scene.early.query('ROLLBACK WORK')],
    ['BEGIN', () => scene.early.query('BEGIN')],
    ['PREPARE TRANSACTION', () => scene.early.query("PREPARE/**/TRANSACTION 'x'")],
    [
      "the step's own savepoint",
      () => scene.dataSource.transaction((manager) => manager.query('RELEASE SAVEPOINT saga_1')),
    ],
    ['somebody’s savepoint', () => scene.early.query('ROLLBACK TO SAVEPOINT theirs')],
    ['a stream of COMMIT', async () => (await scene.stream('COMMIT')).toArray()],
    ['a closed connection', async () => (await client()).end()],
  ])('%s is refused, and nothing of the step is left', async (_, end) => {
    const thrown = scene.step(async () => {
      await scene.early.insert({ id: 'one' });
      await end();
      await boom();
    });
    await expect(thrown).rejects.toMatchObject(refused);
    expect(await scene.items()).toEqual([]);
  });

  it.each<[string, string]>([
    ['two statements', "SELECT 1; INSERT INTO item VALUES ('two')"],
    ['a COMMIT behind another statement', 'SELECT 1; COMMIT'],
  ])('%s in one text are refused', async (_, text) => {
    const thrown = scene.step(async () => {
      await scene.early.insert({ id: 'one' });
      await scene.early.query(text);
    });
    await expect(thrown).rejects.toMatchObject({ code: 'ONE_STATEMENT_PER_QUERY' });
    expect(await scene.items()).toEqual([]);
  });

  it.each(['DO $$ BEGIN COMMIT; END $$', 'CALL commits()'])('%s is an error of Postgres', async (text) => {
    await scene.watching.query(`CREATE OR REPLACE PROCEDURE commits() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$`);
    const thrown = scene.step(async () => {
      await scene.early.insert({ id: 'one' });
      await scene.early.query(text);
    });
    await expect(thrown).rejects.toThrow('invalid transaction termination');
    expect(await scene.items()).toEqual([]);
  });

  it('words of SQL in names, literals and columns end nothing, and savepoints of the step’s own are its', async () => {
    await scene.step(async () => {
      await scene.early.query(`SELECT 'COMMIT; ROLLBACK' AS "end", $$; COMMIT$$ AS "commit" -- ; COMMIT`);
      await scene.early.query('SAVEPOINT "Mine"');
      await scene.early.insert({ id: 'one' });
      await scene.early.query('ROLLBACK TO "Mine"');
      await scene.early.query('RELEASE SAVEPOINT "Mine"');
    });
    expect(await scene.items()).toEqual([]);
  });
});

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { PoolClient } from 'pg';
import type { EntityManager, QueryRunner } from 'typeorm';
import { outsideStep } from '../../libs/saga/src/adapters/typeorm/step-scope.js';
import { TypeOrmStore } from '../../libs/saga/src/adapters/typeorm/typeorm-store.js';
import { boom, connect, DoorScene, insert, Item, ItemRepository } from './doors-scene.js';
import { statements } from './recording.js';

// Every way to Postgres that an application has through its DataSource.

let scene: DoorScene;

beforeAll(async () => void (scene = await DoorScene.open()));
afterAll(() => scene.close());
beforeEach(() => scene.emptied());

/** @see joining.int-spec.ts for the injected repositories and the DataSource's own methods */
const ways: Record<string, (id: string) => Promise<unknown>> = {
  'a custom repository that is older than the store': (id) => scene.early.save({ id } as Item),
  'a custom repository made in the step': (id) => new ItemRepository(scene.dataSource).insert({ id }),
  'a manager of its own': (id) => scene.dataSource.createEntityManager().save(Item, { id }),
  'the transaction of a manager of its own': (id) =>
    scene.dataSource.createEntityManager().transaction((manager) => manager.insert(Item, { id })),
  'an active record': (id) => Item.create({ id }).save(),
  'the static side of an active record': (id) => Item.insert({ id }),
  'a repository that was first asked for in the step': (id) =>
    scene.dataSource.manager.withRepository(scene.dataSource.getRepository(Item)).insert({ id }),
  'a query runner made by hand': (id) => scene.byHand((runner) => runner.query(insert, [id])),
  'the manager of a query runner': (id) => scene.byHand((runner) => runner.manager.save(Item, { id })),
  'a query runner for slaves': async (id) => {
    const runner = scene.dataSource.createQueryRunner('slave');
    await runner.query(insert, [id]);
    await runner.release();
  },
  'a transaction of a query runner': (id) =>
    scene.byHand(async (runner) => {
      await runner.connect();
      await runner.startTransaction();
      await runner.manager.insert(Item, { id });
      await runner.commitTransaction();
    }),
  'the query runner of the manager': (id) => scene.dataSource.manager.queryRunner!.query(insert, [id]),
  "the driver's own client": async (id) => {
    const client = (await scene.dataSource.createQueryRunner().connect()) as PoolClient;
    await client.query(insert, [id]);
    await client.query({ text: insert, values: [`${id} too`], name: 'named' });
  },
  "the driver's own client, with a callback": async (id) => {
    const client = (await scene.dataSource.manager.queryRunner!.connect()) as PoolClient;
    await new Promise((told) => client.query(insert, [id], told));
  },
  "the driver's pool": (id) => scene.pool.query(insert, [id]),
  "a client of the driver's pool": async (id) => {
    const client = await scene.pool.connect();
    await client.query(insert, [id]);
    client.release();
  },
  'a stream': async (id) => {
    const stream = await scene.stream(`${insert} RETURNING id`, [id]);
    for await (const row of stream) expect(row).toEqual({ id });
  },
};

describe('a step that writes', () => {
  it.each(Object.entries(ways))('through %s: its rows come and go with the step', async (_, write) => {
    const thrown = scene.step(async () => {
      await write('gone');
      await boom();
    });
    await expect(thrown).rejects.toThrow('boom');
    expect(await scene.items()).toEqual([]);
    await scene.step(async () => {
      await write('kept');
      expect(await scene.items()).toEqual([]);
    });
    expect(await scene.items()).toContain('kept');
    expect(statements(scene.conversation).filter((statement) => statement === 'START TRANSACTION')).toHaveLength(2);
  });

  it.each(Object.entries(ways).filter(([, write]) => !String(write).includes('manager.queryRunner')))(
    'through %s, outside of any step, writes as ever',
    async (_, write) => {
      await write('kept');
      expect(await scene.items()).toContain('kept');
    },
  );

  it('saves without a savepoint of its own, as in any transaction', async () => {
    await scene.step(() => scene.early.save({ id: 'one' } as Item));
    expect(statements(scene.conversation).filter((statement) => statement.startsWith('SAVEPOINT'))).toEqual([]);
  });

  it('reads what it wrote, though the DataSource reads from a slave', async () => {
    await scene.step(async () => {
      await scene.early.insert({ id: 'one' });
      expect(await scene.dataSource.getRepository(Item).count()).toBe(1);
    });
  });

  it('leaves repositories that it was the first to ask for as good as new', async () => {
    const fresh = await connect(scene.url);
    const own = new TypeOrmStore(fresh);
    for (const id of ['one', 'two'])
      await own.transaction([], ({ run }) => run(() => fresh.getRepository(Item).createQueryBuilder().insert().values({ id }).execute())); // prettier-ignore
    expect(await fresh.getRepository(Item).createQueryBuilder().getCount()).toBe(2);
    await fresh.destroy();
  });
});

describe('a query runner that was made before the step', () => {
  const fromOutside = { code: 'RUNNER_FROM_OUTSIDE' };

  it.each<[string, (runner: QueryRunner) => Promise<unknown>]>([
    ['a query', (runner) => runner.query(insert, ['one'])],
    ['its manager', (runner) => runner.manager.save(Item, { id: 'one' })],
    ['a transaction', (runner) => runner.startTransaction()],
    ['a stream', (runner) => runner.stream('SELECT 1')],
  ])('is refused before it writes: %s', async (_name, use) => {
    const runner = scene.dataSource.createQueryRunner();
    await runner.startTransaction();
    await expect(scene.step(() => use(runner))).rejects.toMatchObject(fromOutside);
    await runner.commitTransaction();
    await runner.release();
    expect(await scene.items()).toEqual([]);
  });

  it('may be used in outsideStep', async () => {
    const runner = scene.dataSource.createQueryRunner();
    await scene.step(() => outsideStep(() => runner.query(insert, ['one'])));
    await runner.release();
    expect(await scene.items()).toEqual(['one']);
  });
});

describe('whoever holds something of a step after its end', () => {
  it.each<[string, (held: { runner: QueryRunner; client: PoolClient; manager: EntityManager }) => Promise<unknown>]>([
    ['a query runner', ({ runner }) => runner.query(insert, ['late'])],
    ['a client', ({ client }) => client.query(insert, ['late'])],
    ['a transaction', ({ runner }) => runner.startTransaction()],
    ['saga.manager', ({ manager }) => manager.insert(Item, { id: 'late' })],
  ])('is refused, also while the next step of the batch runs: %s', async (_, use) => {
    const held = await scene.store.transaction([], async (transaction) => {
      const found = await transaction.run(async () => {
        const runner = scene.dataSource.createQueryRunner();
        return {
          runner,
          client: (await runner.connect()) as PoolClient,
          manager: transaction.manager as EntityManager,
        };
      });
      await transaction.run(() => expect(use(found)).rejects.toMatchObject({ code: 'STEP_ENDED' }));
      return found;
    });
    await expect(use(held)).rejects.toMatchObject({ code: 'STEP_ENDED' });
    expect(await scene.items()).toEqual([]);
  });
});

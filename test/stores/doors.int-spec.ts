import QueryStream from 'pg-query-stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  BaseEntity,
  DataSource,
  Entity,
  PrimaryColumn,
  Repository,
  type EntityManager,
  type QueryRunner,
} from 'typeorm';
import type { PoolClient, Pool } from 'pg';
import { outsideStep } from '../../libs/saga/src/adapters/typeorm/step-scope.js';
import { TypeOrmStore } from '../../libs/saga/src/adapters/typeorm/typeorm-store.js';
import { migrate } from '../../libs/saga/src/adapters/typeorm/migrations.js';
import type { StepTransaction } from '../../libs/saga/src/ports/step-store.js';
import { freshDatabase } from '../support/database.js';
import { recordingClient, statements, type Conversation } from './recording.js';

// Every way to Postgres that an application has through its DataSource.

@Entity()
class Item extends BaseEntity {
  @PrimaryColumn({ type: 'text' }) id!: string;
}

/** As it is written since TypeORM 0.3. */
class ItemRepository extends Repository<Item> {
  constructor(dataSource: DataSource) {
    super(Item, dataSource.createEntityManager());
  }
}

let dataSource: DataSource;
let watching: DataSource;
let store: TypeOrmStore;
let early: ItemRepository;
const conversation: Conversation = [];

const connect = (url: string, more: object = {}): Promise<DataSource> =>
  new DataSource({ type: 'postgres', url, entities: [Item], ...more }).initialize();

beforeAll(async () => {
  const url = await freshDatabase();
  watching = await connect(url);
  await watching.synchronize();
  const write = { url };
  dataSource = await connect(url, {
    extra: { Client: recordingClient(conversation) },
    replication: { master: write, slaves: [write] },
  });
  early = new ItemRepository(dataSource);
  await migrate(dataSource);
  store = new TypeOrmStore(dataSource);
  Item.useDataSource(dataSource);
});
afterAll(async () => {
  await dataSource.destroy();
  await watching.destroy();
});
beforeEach(async () => {
  await watching.query('TRUNCATE item');
  conversation.length = 0;
});

const step = <T>(method: (transaction: StepTransaction) => Promise<T>): Promise<T> =>
  store.transaction([], (transaction) => transaction.run(() => method(transaction)));

const items = async (): Promise<readonly string[]> =>
  (await watching.query<{ id: string }[]>('SELECT id FROM item ORDER BY id')).map(({ id }) => id);

const boom = async (): Promise<never> => {
  throw new Error('boom');
};

const insert = 'INSERT INTO item (id) VALUES ($1)';

async function byHand(work: (runner: QueryRunner) => Promise<unknown>): Promise<void> {
  const runner = dataSource.createQueryRunner();
  try {
    await work(runner);
  } finally {
    await runner.release();
  }
}

const pool = (): Pool => (dataSource.driver as unknown as { readonly master: Pool }).master;

/** @see joining.int-spec.ts for the injected repositories and the DataSource's own methods */
const ways: Record<string, (id: string) => Promise<unknown>> = {
  'a custom repository that is older than the store': (id) => early.save({ id } as Item),
  'a custom repository made in the step': (id) => new ItemRepository(dataSource).insert({ id }),
  'a manager of its own': (id) => dataSource.createEntityManager().save(Item, { id }),
  'the transaction of a manager of its own': (id) =>
    dataSource.createEntityManager().transaction((manager) => manager.insert(Item, { id })),
  'an active record': (id) => Item.create({ id }).save(),
  'the static side of an active record': (id) => Item.insert({ id }),
  'a repository that was first asked for in the step': (id) =>
    dataSource.manager.withRepository(dataSource.getRepository(Item)).insert({ id }),
  'a query runner made by hand': (id) => byHand((runner) => runner.query(insert, [id])),
  'the manager of a query runner': (id) => byHand((runner) => runner.manager.save(Item, { id })),
  'a query runner for slaves': async (id) => {
    const runner = dataSource.createQueryRunner('slave');
    await runner.query(insert, [id]);
    await runner.release();
  },
  'a transaction of a query runner': (id) =>
    byHand(async (runner) => {
      await runner.connect();
      await runner.startTransaction();
      await runner.manager.insert(Item, { id });
      await runner.commitTransaction();
    }),
  'the query runner of the manager': (id) => dataSource.manager.queryRunner!.query(insert, [id]),
  "the driver's own client": async (id) => {
    const client = (await dataSource.createQueryRunner().connect()) as PoolClient;
    await client.query(insert, [id]);
    await client.query({ text: insert, values: [`${id} too`], name: 'named' });
  },
  "the driver's own client, with a callback": async (id) => {
    const client = (await dataSource.manager.queryRunner!.connect()) as PoolClient;
    await new Promise((told) => client.query(insert, [id], told));
  },
  "the driver's pool": (id) => pool().query(insert, [id]),
  "a client of the driver's pool": async (id) => {
    const client = await pool().connect();
    await client.query(insert, [id]);
    client.release();
  },
  'a stream': async (id) => {
    const stream = await byHandStream(`${insert} RETURNING id`, [id]);
    for await (const row of stream) expect(row).toEqual({ id });
  },
};

async function byHandStream(text: string, values: unknown[] = []): Promise<QueryStream> {
  return (await dataSource.createQueryRunner().stream(text, values)) as unknown as QueryStream;
}

describe('a step that writes', () => {
  it.each(Object.entries(ways))('through %s: its rows come and go with the step', async (_, write) => {
    const thrown = step(async () => {
      await write('gone');
      await boom();
    });
    await expect(thrown).rejects.toThrow('boom');
    expect(await items()).toEqual([]);
    await step(async () => {
      await write('kept');
      expect(await items()).toEqual([]);
    });
    expect(await items()).toContain('kept');
    expect(statements(conversation).filter((statement) => statement === 'START TRANSACTION')).toHaveLength(2);
  });

  it.each(Object.entries(ways).filter(([, write]) => !String(write).includes('manager.queryRunner')))(
    'through %s, outside of any step, writes as ever',
    async (_, write) => {
      await write('kept');
      expect(await items()).toContain('kept');
    },
  );

  it('saves without a savepoint of its own, as in any transaction', async () => {
    await step(() => early.save({ id: 'one' } as Item));
    expect(statements(conversation).filter((statement) => statement.startsWith('SAVEPOINT'))).toEqual([]);
  });

  it('reads what it wrote, though the DataSource reads from a slave', async () => {
    await step(async () => {
      await early.insert({ id: 'one' });
      expect(await dataSource.getRepository(Item).count()).toBe(1);
    });
  });

  it('leaves repositories that it was the first to ask for as good as new', async () => {
    const fresh = await connect(
      (dataSource.options as { replication: { master: { url: string } } }).replication.master.url,
    );
    const own = new TypeOrmStore(fresh);
    for (const id of ['one', 'two'])
      await own.transaction([], ({ run }) => run(() => fresh.getRepository(Item).createQueryBuilder().insert().values({ id }).execute())); // prettier-ignore
    expect(await fresh.getRepository(Item).createQueryBuilder().getCount()).toBe(2);
    await fresh.destroy();
  });
});

describe('a query runner made in a step', () => {
  it('rolls back what it began, and nothing else', async () => {
    await step(async () => {
      await early.insert({ id: 'before' });
      await byHand(async (runner) => {
        await runner.startTransaction();
        await runner.manager.insert(Item, { id: 'inside' });
        await runner.rollbackTransaction();
        expect(runner.isTransactionActive).toBe(false);
      });
      await early.insert({ id: 'after' });
    });
    expect(await items()).toEqual(['after', 'before']);
  });

  it('may be disposed of by its block', async () => {
    await step(async () => {
      await using runner = dataSource.createQueryRunner();
      await runner.startTransaction();
      await runner.manager.insert(Item, { id: 'one' });
    });
    expect(await items()).toEqual(['one']);
  });

  it('cannot ask for more isolation than the step has', async () => {
    const asked = step(() => dataSource.transaction('SERIALIZABLE', (manager) => manager.insert(Item, { id: 'one' })));
    await expect(asked).rejects.toMatchObject({ code: 'ISOLATION_OF_THE_STEP' });
    await step(() => dataSource.transaction('READ COMMITTED', (manager) => manager.insert(Item, { id: 'one' })));
    expect(await items()).toEqual(['one']);
  });
});

/** A transaction inside a step, in the two ways in which it is written. */
const transactions: Record<string, (work: (manager: EntityManager) => Promise<unknown>) => Promise<unknown>> = {
  'dataSource.transaction': (work) => dataSource.transaction(work),
  'a query runner made by hand': (work) =>
    byHand(async (runner) => {
      await runner.startTransaction();
      try {
        await work(runner.manager);
        await runner.commitTransaction();
      } catch (error) {
        await runner.rollbackTransaction();
        throw error;
      }
    }),
};

describe.each(Object.entries(transactions))('transactions inside a step, with %s', (_, transaction) => {
  it('run side by side, and each is rolled back alone', async () => {
    await step(() =>
      Promise.allSettled(
        ['a', 'b', 'c', 'd', 'e', 'f'].map((id) =>
          transaction(async (manager) => {
            await manager.insert(Item, { id: `${id}1` });
            await manager.insert(Item, { id: `${id}2` });
            if (id === 'b' || id === 'e') await boom();
          }),
        ),
      ),
    );
    expect(await items()).toEqual(['a1', 'a2', 'c1', 'c2', 'd1', 'd2', 'f1', 'f2']);
  });

  it('leave alone what is written beside them', async () => {
    await step(() =>
      Promise.allSettled([
        transaction(async (manager) => {
          await manager.insert(Item, { id: 'inside' });
          await manager.insert(Item, { id: 'inside too' });
          await boom();
        }),
        early.insert({ id: 'beside' }),
      ]),
    );
    expect(await items()).toEqual(['beside']);
  });

  it('stand in each other, and what is inside goes with what is around it', async () => {
    await step(async () => {
      await transaction(async (around) => {
        await around.insert(Item, { id: 'around' });
        await transaction((inside) => inside.insert(Item, { id: 'inside' }));
      });
      await early.insert({ id: 'after' });
    });
    expect(await items()).toEqual(['after', 'around', 'inside']);
  });

  it('that cannot be told apart fail the step when one is rolled back, whatever its method makes of it', async () => {
    const overlapping = step(async () => {
      const other = transaction(async (manager) => {
        await manager.insert(Item, { id: 'one' });
        await sleep(60);
        await boom();
      });
      await sleep(20);
      await transaction((manager) => manager.insert(Item, { id: 'two' }));
      await other.catch(() => undefined);
    });
    await expect(overlapping).rejects.toMatchObject({ code: 'TRANSACTIONS_OVERLAP' });
    expect(await items()).toEqual([]);
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
    const runner = dataSource.createQueryRunner();
    await runner.startTransaction();
    await expect(step(() => use(runner))).rejects.toMatchObject(fromOutside);
    await runner.commitTransaction();
    await runner.release();
    expect(await items()).toEqual([]);
  });

  it('may be used in outsideStep', async () => {
    const runner = dataSource.createQueryRunner();
    await step(() => outsideStep(() => runner.query(insert, ['one'])));
    await runner.release();
    expect(await items()).toEqual(['one']);
  });
});

describe('the end of a transaction is the step’s', () => {
  const refused = { code: 'TRANSACTION_OF_THE_STEP' };
  const runner = (): QueryRunner => dataSource.manager.queryRunner!;
  const client = async (): Promise<PoolClient> => (await runner().connect()) as PoolClient;

  it.each<[string, () => Promise<unknown>]>([
    ['commitTransaction', () => runner().commitTransaction()],
    ['rollbackTransaction', () => runner().rollbackTransaction()],
    ['commitTransaction of a runner of its own', () => dataSource.createQueryRunner().commitTransaction()],
    ['COMMIT of a runner', () => runner().query('COMMIT')],
    ['COMMIT of the client', async () => (await client()).query('COMMIT')],
    ['COMMIT of a client of the pool', () => pool().query('COMMIT')],
    ['COMMIT as an object', async () => (await client()).query({ text: 'COMMIT', name: 'done' })],
    ['a comment before it', () => early.query('/* done */ COMMIT')],
    ['a comment in a comment before it', () => early.query('/* a /* b */ c */ -- d\n\tCOMMIT')],
    ['an empty statement before it', () => early.query(' ; COMMIT')],
    ['COMMIT AND CHAIN', () => early.query('commit and chain')],
    ['ROLLBACK WORK', () => early.query('ROLLBACK WORK')],
    ['BEGIN', () => early.query('BEGIN')],
    ['PREPARE TRANSACTION', () => early.query("PREPARE/**/TRANSACTION 'x'")],
    ["the step's own savepoint", () => dataSource.transaction((manager) => manager.query('RELEASE SAVEPOINT saga_1'))],
    ['somebody’s savepoint', () => early.query('ROLLBACK TO SAVEPOINT theirs')],
    ['a stream of COMMIT', async () => (await byHandStream('COMMIT')).toArray()],
    ['a closed connection', async () => (await client()).end()],
  ])('%s is refused, and nothing of the step is left', async (_, end) => {
    const thrown = step(async () => {
      await early.insert({ id: 'one' });
      await end();
      await boom();
    });
    await expect(thrown).rejects.toMatchObject(refused);
    expect(await items()).toEqual([]);
  });

  it.each<[string, string]>([
    ['two statements', "SELECT 1; INSERT INTO item VALUES ('two')"],
    ['a COMMIT behind another statement', 'SELECT 1; COMMIT'],
  ])('%s in one text are refused', async (_, text) => {
    const thrown = step(async () => {
      await early.insert({ id: 'one' });
      await early.query(text);
    });
    await expect(thrown).rejects.toMatchObject({ code: 'ONE_STATEMENT_PER_QUERY' });
    expect(await items()).toEqual([]);
  });

  it.each(['DO $$ BEGIN COMMIT; END $$', 'CALL commits()'])('%s is an error of Postgres', async (text) => {
    await watching.query(`CREATE OR REPLACE PROCEDURE commits() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$`);
    const thrown = step(async () => {
      await early.insert({ id: 'one' });
      await early.query(text);
    });
    await expect(thrown).rejects.toThrow('invalid transaction termination');
    expect(await items()).toEqual([]);
  });

  it('words of SQL in names, literals and columns end nothing, and savepoints of the step’s own are its', async () => {
    await step(async () => {
      await early.query(`SELECT 'COMMIT; ROLLBACK' AS "end", $$; COMMIT$$ AS "commit" -- ; COMMIT`);
      await early.query('SAVEPOINT "Mine"');
      await early.insert({ id: 'one' });
      await early.query('ROLLBACK TO "Mine"');
      await early.query('RELEASE SAVEPOINT "Mine"');
    });
    expect(await items()).toEqual([]);
  });
});

describe('a stream of a step', () => {
  const many = 'SELECT n FROM generate_series(1, 1000) n';

  it('is read while nothing else is said, and what comes meanwhile waits for its end', async () => {
    await step(async () => {
      const stream = await byHandStream(many);
      const [rows] = await Promise.all([stream.toArray(), early.insert({ id: 'one' })]);
      expect(rows).toHaveLength(1000);
    });
    expect(await items()).toEqual(['one']);
  });

  it('refuses what its reader says before its end, instead of waiting for ever', async () => {
    const reading = step(async () => {
      for await (const row of await byHandStream(many)) await early.insert({ id: String((row as { n: number }).n) });
    });
    await expect(reading).rejects.toMatchObject({ code: 'STREAM_OPEN' });
    expect(await items()).toEqual([]);
  });

  it.each(['returns', 'throws'])('that is left open when the method %s ends with the step', async (how) => {
    const left = step(async () => {
      const stream = await byHandStream(many);
      await new Promise((readable) => stream.once('readable', readable));
      if (how === 'throws') await boom();
    });
    await expect(left).rejects.toThrow(how === 'throws' ? 'boom' : 'A stream inside a saga step was still open');
    await step(() => early.insert({ id: 'next' }));
    expect(await items()).toEqual(['next']);
  });
});

describe('whoever holds something of a step after its end', () => {
  it.each<[string, (held: { runner: QueryRunner; client: PoolClient; manager: EntityManager }) => Promise<unknown>]>([
    ['a query runner', ({ runner }) => runner.query(insert, ['late'])],
    ['a client', ({ client }) => client.query(insert, ['late'])],
    ['a transaction', ({ runner }) => runner.startTransaction()],
    ['saga.manager', ({ manager }) => manager.insert(Item, { id: 'late' })],
  ])('is refused, also while the next step of the batch runs: %s', async (_, use) => {
    const held = await store.transaction([], async (transaction) => {
      const found = await transaction.run(async () => {
        const runner = dataSource.createQueryRunner();
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
    expect(await items()).toEqual([]);
  });
});

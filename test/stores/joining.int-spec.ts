import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EntityManager, Repository } from 'typeorm';
import { outsideStep } from '../../libs/saga/src/adapters/typeorm/step-scope.js';
import type { StepTransaction } from '../../libs/saga/src/ports/step-store.js';
import { Scene } from '../../libs/saga/src/testing/store-contract-scene.js';
import { Line, PostgresScene } from './postgres-scene.js';
import { recordingClient, statements, type Conversation } from './recording.js';

let scene: PostgresScene;
let lines: Repository<Line>;
const conversation: Conversation = [];

beforeAll(async () => {
  scene = await PostgresScene.open({ extra: { Client: recordingClient(conversation) } });
  lines = scene.dataSource.getRepository(Line);
});
afterAll(() => scene.close());
beforeEach(async () => {
  await scene.emptied();
  conversation.length = 0;
});

/** Runs a step's method in a transaction of its own. */
function step<T>(method: (transaction: StepTransaction) => Promise<T>): Promise<T> {
  return scene.store.transaction([], (transaction) => transaction.run(() => method(transaction)));
}

async function storedMessage(): Promise<string> {
  const message = new Scene(await scene.emptied()).message();
  await scene.store.transaction([], (transaction) => transaction.save({ rows: [], staged: [message], published: [] }));
  return message.id;
}

const boom = async (): Promise<never> => {
  throw new Error('boom');
};

/** Every way in which an application writes through its DataSource. */
const ways: Record<string, (id: string, transaction: StepTransaction) => Promise<unknown>> = {
  'repository.save': (id) => lines.save({ id, note: '' }),
  'repository.insert': (id) => lines.insert({ id }),
  'a query builder of the repository': (id) => lines.createQueryBuilder().insert().values({ id }).execute(),
  'repository.query': (id) => lines.query('INSERT INTO line (id) VALUES ($1)', [id]),
  'a repository with methods of its own': (id) =>
    lines
      .extend({
        put(this: Repository<Line>, name: string) {
          return this.save({ id: name, note: '' });
        },
      })
      .put(id),
  'dataSource.manager': (id) => scene.dataSource.manager.save(Line, { id, note: '' }),
  'dataSource.getRepository': (id) => scene.dataSource.getRepository(Line).insert({ id }),
  'dataSource.query': (id) => scene.dataSource.query('INSERT INTO line (id) VALUES ($1)', [id]),
  'dataSource.sql': (id) => scene.dataSource.sql`INSERT INTO line (id) VALUES (${id})`,
  'dataSource.createQueryBuilder': (id) =>
    scene.dataSource.createQueryBuilder().insert().into(Line).values({ id }).execute(),
  'dataSource.transaction': (id) => scene.dataSource.transaction((manager) => manager.insert(Line, { id })),
  'saga.manager': (id, { manager }) => (manager as EntityManager).insert(Line, { id }),
};

describe('a step that writes', () => {
  it.each(Object.entries(ways))(
    'through %s leaves a row when it ends, and none when it throws after it',
    async (_, write) => {
      await expect(
        step(async (transaction) => {
          await write('thrown away', transaction);
          await boom();
        }),
      ).rejects.toThrow('boom');
      await step((transaction) => write('kept', transaction));
      expect(await scene.lines()).toEqual(['kept']);
    },
  );

  it('sees what it wrote, and nobody else does before its commit', async () => {
    await step(async () => {
      await lines.save({ id: 'one', note: 'mine' });
      expect(await lines.findOneBy({ id: 'one' })).toMatchObject({ note: 'mine' });
      expect(await lines.createQueryBuilder('line').where('line.id = :id', { id: 'one' }).getCount()).toBe(1);
      expect(await scene.dataSource.createQueryBuilder(Line, 'line').getCount()).toBe(1);
      expect(await scene.lines()).toEqual([]);
    });
    expect(await scene.lines()).toEqual(['one']);
  });

  it('says all it says on one connection, in one transaction', async () => {
    await step(async () => {
      await lines.insert({ id: 'one' });
      await lines.update('one', { note: 'changed' });
      await lines.delete('one');
    });
    expect(statements(conversation)).toEqual([
      'START TRANSACTION',
      'mark',
      'INSERT INTO line',
      'UPDATE line',
      'DELETE FROM line',
      'proof',
      'COMMIT',
    ]);
  });
});

describe('a transaction inside a step', () => {
  it('is a savepoint, and is rolled back alone', async () => {
    await step(async () => {
      await lines.insert({ id: 'before' });
      await scene.dataSource
        .transaction(async (manager) => {
          await manager.insert(Line, { id: 'inside' });
          await boom();
        })
        .catch(() => undefined);
      await lines.insert({ id: 'after' });
    });
    expect(await scene.lines()).toEqual(['after', 'before']);
    expect(statements(conversation).slice(0, 9)).toEqual([
      'START TRANSACTION',
      'mark',
      'INSERT INTO line',
      'SAVEPOINT saga_1',
      'INSERT INTO line',
      'ROLLBACK TO SAVEPOINT saga_1',
      'INSERT INTO line',
      'proof',
      'COMMIT',
    ]);
  });

  it('commits nothing by itself: its rows are gone when the step throws after it', async () => {
    const thrown = step(async () => {
      await scene.dataSource.transaction((manager) => manager.insert(Line, { id: 'inside' }));
      await boom();
    });
    await expect(thrown).rejects.toThrow('boom');
    expect(await scene.lines()).toEqual([]);
  });
});

describe('two steps at the same time', () => {
  it('stay apart: each writes to its own transaction, whatever their order', async () => {
    const writer = (name: string, fails: boolean): Promise<void> =>
      step(async () => {
        for (const part of [1, 2, 3]) {
          await lines.insert({ id: `${name}${part}` });
          await sleep(Math.random() * 5);
        }
        if (fails) await boom();
      });
    const writers = Array.from({ length: 8 }, (_, index) => writer(`${index}-`, index % 2 === 0));
    const endings = await Promise.allSettled(writers);
    expect(endings.filter(({ status }) => status === 'rejected')).toHaveLength(4);
    expect(await scene.lines()).toEqual(['1-1', '1-2', '1-3', '3-1', '3-2', '3-3', '5-1', '5-2', '5-3', '7-1', '7-2', '7-3']); // prettier-ignore
  });
});

describe('what stays outside a step', () => {
  it('is a repository of another DataSource', async () => {
    const foreign = scene.otherDataSource.getRepository(Line);
    const thrown = step(async () => {
      await foreign.insert({ id: 'elsewhere' });
      await boom();
    });
    await expect(thrown).rejects.toThrow('boom');
    expect(await scene.lines()).toEqual(['elsewhere']);
  });

  it('is what the step says in outsideStep', async () => {
    const thrown = step(async () => {
      await lines.insert({ id: 'in the step' });
      await outsideStep(() => lines.insert({ id: 'outside' }));
      await boom();
    });
    await expect(thrown).rejects.toThrow('boom');
    expect(await scene.lines()).toEqual(['outside']);
  });

  it('is the same repository in a request of somebody else', async () => {
    let leave = (): void => undefined;
    const open = new Promise<void>((resolve) => (leave = resolve));
    const thrown = step(async () => {
      await lines.insert({ id: 'in the step' });
      await open;
      await boom();
    });
    await lines.insert({ id: 'in the request' });
    leave();
    await expect(thrown).rejects.toThrow('boom');
    expect(await scene.lines()).toEqual(['in the request']);
  });
});

describe("the store's own work, asked for inside a step", () => {
  it('is committed apart from the step', async () => {
    const message = await storedMessage();
    const thrown = step(async () => {
      await scene.store.outbox.delete([message]);
      await boom();
    });
    await expect(thrown).rejects.toThrow('boom');
    expect(await scene.store.outbox.backlog()).toEqual({ size: 0 });
  });

  it('goes on after the step has ended: a flush that a step happened to start', async () => {
    const message = await storedMessage();
    let flush: Promise<void> | undefined;
    await step(async () => {
      flush = sleep(10).then(() => scene.store.outbox.delete([message]));
    });
    await flush;
    expect(await scene.store.outbox.backlog()).toEqual({ size: 0 });
  });
});

describe('a query that comes after its step has ended', () => {
  const ended = { code: 'STEP_ENDED', message: expect.stringContaining('await every query in the method') as string };

  it.each(Object.entries(ways).filter(([name]) => name !== 'saga.manager'))('is refused: %s', async (_, write) => {
    let late: Promise<unknown> | undefined;
    await step(async (transaction) => {
      late = sleep(20).then(() => write('late', transaction));
      late.catch(() => undefined);
    });
    await expect(late).rejects.toMatchObject(ended);
    expect(await scene.lines()).toEqual([]);
  });

  it('does not slip into the transaction of the batch, which is still open', async () => {
    let late: Promise<unknown> | undefined;
    await scene.store.transaction([], async (transaction) => {
      await transaction.run(async () => {
        late = sleep(10).then(() => lines.insert({ id: 'late' }));
        late.catch(() => undefined);
      });
      await transaction.run(async () => {
        await sleep(30);
        await lines.insert({ id: 'next member' });
      });
    });
    await expect(late).rejects.toMatchObject(ended);
    expect(await scene.lines()).toEqual(['next member']);
  });

  it.each(['throws', 'returns'])('does not come after the end of the transaction, when the method %s', async (how) => {
    let late: Promise<unknown> | undefined;
    const ending = step(async ({ manager }) => {
      const mine = manager as EntityManager;
      late = mine.query('SELECT pg_sleep(0.7)').then(() => mine.insert(Line, { id: 'late' }));
      late.catch(() => undefined);
      await sleep(5);
      if (how === 'throws') await boom();
    });
    await ending.catch(() => undefined);
    await expect(late).rejects.toMatchObject(ended);
    expect(await scene.lines()).toEqual([]);
  });
});

it.each(['COMMIT', ' rollback;', 'BEGIN', 'start transaction', 'END', 'abort work'])(
  'a step cannot say %s in its transaction',
  async (sql) => {
    await expect(
      step(async () => {
        await lines.insert({ id: 'thrown away' });
        await lines.query(sql);
      }),
    ).rejects.toMatchObject({ code: 'TRANSACTION_OF_THE_STEP' });
    expect(await scene.lines()).toEqual([]);
    await scene.dataSource.query('SELECT 1'); // outside a step nothing is different
  },
);

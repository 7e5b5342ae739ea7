import { Body, Controller, Post } from '@nestjs/common';
import { EventBus } from '@nestjs/cqrs';
import type { TestingModule } from '@nestjs/testing';
import { SagaOperator, SagaTrackerModule, Sagas, inMemory, kafka, type TransportFactory } from 'nest-saga';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { describe, expect, onTestFinished, test } from 'vitest';
import { freshDatabase } from '../support/database.js';
import { describeWithKafka, freshTopicPrefix, kafkaBrokers } from '../support/kafka.js';
import { Lending, LendingSteps, LoanAsked, LoanGranted, NotedHandler, Seen, requests } from './contexts-saga.js';
import { compiledOn, startedOn } from './database-scene.js';
import { LogLines } from './log-lines.js';
import { eventually, type Service } from './scene.js';

const ada = { actor: 'ada', reason: 'try again' };
const onTheWay = ['hear', 'mirror', 'note', 'pay', 'score', 'tell', 'wait'];
const onTheWayBack = ['forget', 'mirror', 'note', 'score', 'strike', 'wait'];

@Controller('loans')
class LoanController {
  constructor(private readonly sagas: Sagas) {}

  @Post()
  ask(@Body() body: { loanId: string }): Promise<{ sagaId: string }> {
    return this.sagas.start(Lending, { ...body, troubles: [] });
  }
}

interface Bank {
  readonly app: TestingModule;
  readonly sagas: Sagas;
  readonly operator: SagaOperator;
  readonly seen: Seen;
  readonly transport: TransportFactory;
}

const service = (transport: TransportFactory, prefix?: string): Service => ({
  providers: [LendingSteps, Seen, NotedHandler],
  controllers: [LoanController],
  imports: [SagaTrackerModule],
  saga: { transport, ...(prefix && { prefix }), retry: { retries: 1, firstDelay: 20, jitter: 0 }, circuit: 'off' },
});

async function bank(transport: TransportFactory = inMemory(), prefix?: string): Promise<Bank> {
  const app = await startedOn(await freshDatabase(), service(transport, prefix));
  return { app, sagas: app.get(Sagas), operator: app.get(SagaOperator), seen: app.get(Seen), transport };
}

/** The id of the only saga, once it waits for its grant. */
async function waiting({ app, seen }: Bank): Promise<string> {
  await eventually(() => expect(seen.places).toContain('wait'));
  const rows = await app.get(DataSource).query<{ saga_id: string }[]>('SELECT DISTINCT saga_id FROM saga_step');
  return rows[0]!.saga_id;
}

const start = ({ sagas }: Bank, troubles: string[] = []): Promise<unknown> =>
  sagas.start(Lending, { loanId: 'l1', troubles });

interface Entry {
  readonly begin: (bank: Bank) => Promise<unknown>;
  /** What the saga is told once it waits; unless said, it is granted. */
  readonly decide?: (bank: Bank, sagaId: string) => Promise<unknown>;
  readonly places: readonly string[];
}

/** Every way into the library. */
const entries: Readonly<Record<string, Entry>> = {
  'sagas.start': { begin: (given) => start(given), places: onTheWay },
  'the start of a saga whose first step is postponed': {
    begin: (given) => start(given, ['postponed']),
    places: onTheWay,
  },
  'the start of a saga whose external step fails at first': {
    begin: (given) => start(given, ['busy']),
    places: onTheWay,
  },
  'the start of a saga whose external step has to be asked for': {
    begin: (given) => start(given, ['unknown']),
    places: ['ask', ...onTheWay],
  },
  'the start of a saga whose external step did not happen, and is made again': {
    begin: (given) => start(given, ['unknown', 'lost']),
    places: ['ask', ...onTheWay],
  },
  'two starts with one key': {
    begin: ({ sagas }) => {
      const input = { loanId: 'l1', troubles: [] };
      return Promise.all([sagas.start(Lending, input, { key: 'l1' }), sagas.start(Lending, input, { key: 'l1' })]);
    },
    places: onTheWay,
  },
  'an event on the event bus': {
    begin: async ({ app }) => app.get(EventBus).publish(new LoanAsked({ loanId: 'l1' })),
    places: onTheWay,
  },
  'a record of another program': {
    begin: async ({ transport }) => {
      const other = transport({ service: 'web', logger: new LogLines() });
      onTestFinished(() => other.close());
      await other.publish([{ topic: 'loan-asked', key: 'l1', headers: {}, value: '{"loanId":"l1"}' }]);
    },
    places: onTheWay,
  },
  'an abort': {
    begin: (given) => start(given),
    decide: ({ sagas }, sagaId) => sagas.requestAbort(sagaId, 'changed my mind'),
    places: onTheWayBack,
  },
  'an operator who aborts': {
    begin: (given) => start(given),
    decide: ({ operator }, sagaId) => operator.abort({ sagaId, ...ada }),
    places: onTheWayBack,
  },
  'an operator who redrives': {
    begin: (given) => start(given, ['letter']),
    decide: async ({ sagas, operator }, sagaId) => {
      await sagas.requestAbort(sagaId, 'changed my mind');
      await eventually(async () => expect(await operator.deadLetters({ state: 'open' })).toHaveLength(1));
      await operator.redrive({ sagaId, step: 'note', ...ada });
    },
    places: onTheWayBack,
  },
};

const grantIt = ({ sagas }: Bank, sagaId: string): Promise<unknown> =>
  sagas.signal(sagaId, Lending.steps.grant, new LoanGranted({ loanId: 'l1', troubles: [] }));

/** In whose contexts Postgres is asked while nobody does anything. */
async function polledBy(): Promise<ReadonlySet<string | undefined>> {
  const asked: (string | undefined)[] = [];
  const { prototype } = pg.Client;
  const query = prototype.query as (...args: unknown[]) => unknown;
  const watched = function (this: pg.Client, ...args: unknown[]): unknown {
    asked.push(requests.getStore());
    return query.apply(this, args);
  };
  Object.assign(prototype, { query: watched });
  onTestFinished(() => void Object.assign(prototype, { query }));
  await eventually(() => expect(asked.length).toBeGreaterThan(2));
  return new Set(asked);
}

async function goesThrough(given: Bank, { begin, decide = grantIt, places }: Entry): Promise<void> {
  const callers = await Promise.all([
    requests.run('alice', async () => {
      await begin(given);
      return requests.getStore();
    }),
    requests.run('bob', async () => {
      await decide(given, await waiting(given));
      return requests.getStore();
    }),
  ]);
  await eventually(() => expect(given.seen.places).toEqual(places.toSorted()));
  expect(callers).toEqual(['alice', 'bob']);
  expect(given.seen.contexts.filter(({ context }) => context !== undefined)).toEqual([]);
}

describe('no method, listener or handler sees the context of who brought it about, or of another saga', () => {
  test.each(Object.entries(entries))('after %s', async (_name, entry) => {
    const given = await bank();
    await goesThrough(given, entry);
    expect(await polledBy()).toEqual(new Set([undefined]));
  });

  test('after a request over HTTP', async () => {
    const http = (await compiledOn(await freshDatabase(), service(inMemory()))).createNestApplication();
    http.use((_request: unknown, _response: unknown, next: () => void) => requests.run('alice', next));
    await http.listen(0, '127.0.0.1');
    const body = JSON.stringify({ loanId: 'l1' });
    const answer = await fetch(`${await http.getUrl()}/loans`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect(answer.status).toBe(201);
    const seen = http.get(Seen);
    await eventually(() => expect(seen.places).toContain('wait'));
    expect(seen.contexts.filter(({ context }) => context !== undefined)).toEqual([]);
  });
});

describeWithKafka('over Kafka, whose clients open connections and set timers inside of requests', () => {
  test('no method, listener or handler sees the context of who brought it about', async () => {
    const createTopics = { partitions: 2, replicationFactor: 1 };
    const given = await bank(kafka({ brokers: kafkaBrokers(), createTopics }), freshTopicPrefix());
    await goesThrough(given, { begin: () => start(given, ['busy']), places: onTheWay });
    expect(await polledBy()).toEqual(new Set([undefined]));
  });
});

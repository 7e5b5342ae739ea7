import fc from 'fast-check';
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { TypeOrmStore } from '../../libs/saga/src/adapters/typeorm/typeorm-store.js';
import { quoted } from '../../libs/saga/src/adapters/typeorm/statements.js';
import type { FenceRow } from '../../libs/saga/src/ports/fence-row.js';
import { messageId, type Envelope } from '../../libs/saga/src/protocol/envelope.js';
import { freshDatabase } from '../support/database.js';
import { Ground } from '../flow/stage/service.js';
import { PostgresScene } from '../stores/postgres-scene.js';
import { anyRecord } from './any-record.js';
import { anyJson, anyText } from './odd-values.js';
import { takenBy } from './taken-by.js';
import { patience, tries } from './tries.js';

/** Every code unit that UTF-16 has, alone and in pairs. */
const anyUnits = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 80 })
  .map((units) => String.fromCharCode(...units));
const anyChars = fc.oneof(
  anyText,
  anyUnits,
  fc.string({ unit: fc.constantFrom("'", '\\', '"', '$', ';', '-', 'E', '\n', '\0', 'é', '\uD83D', '\uDE00') }),
);

/** As a database gets it: without NUL, and with what stands for half of a pair in UTF-8. */
const kept = (text: string): string => text.replaceAll('\0', '').replaceAll(/\p{Cs}/gu, '\uFFFD');

describe('a text that is written into SQL', () => {
  let client: Client;
  beforeAll(async () => {
    client = new Client(await freshDatabase());
    await client.connect();
  });
  afterAll(() => client.end());

  test.each(['on', 'off'])(
    'comes back as it was, standard_conforming_strings %s',
    { timeout: patience },
    async (mode) => {
      await client.query(`SET standard_conforming_strings = ${mode}; SET escape_string_warning = off`);
      await fc.assert(
        fc.asyncProperty(fc.array(anyChars, { minLength: 1, maxLength: 5 }), async (texts) => {
          const { rows } = await client.query<{ all: string[] }>(
            `SELECT ARRAY[${texts.map(quoted).join(',')}]::text[] AS all`,
          );
          expect(rows).toEqual([{ all: texts.map(kept) }]);
        }),
        tries(150),
      );
    },
  );

  test('is every character of Unicode', async () => {
    for (let plane = 0; plane <= 0x10; plane += 1) {
      const text = Array.from({ length: 0x1_00_00 }, (_, low) => String.fromCodePoint(plane * 0x1_00_00 + low)).join(
        '',
      );
      const { rows } = await client.query<{ text: string }>(`SELECT ${quoted(text)} AS text`);
      expect(rows[0]!.text === kept(text)).toBe(true);
    }
  });
});

describe('a row and an event of the outbox', () => {
  let scene: PostgresScene;
  beforeAll(async () => void (scene = await PostgresScene.open()));
  afterAll(() => scene.close());
  afterEach(async () => void (await scene.otherDataSource.query('TRUNCATE saga_step, saga_outbox')));

  test('come back as they were, whatever their texts say', { timeout: patience }, async () => {
    const anyFields = fc.record({
      text: anyChars,
      other: anyChars,
      data: fc.dictionary(anyText, anyJson, { maxKeys: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(anyFields, async (fields) => {
        const row = rowWith(fields);
        const event = eventWith(row, fields);
        await scene.store.transaction([row], (transaction) =>
          transaction.save({ rows: [row], staged: [{ id: randomUUID(), event }], published: [] }),
        );
        const [stored] = await scene.store.transaction([row], async ({ rows }) => rows);
        expect(stored).toEqual(asStored(row));
        const swept: Envelope[] = [];
        await scene.store.outbox.sweep(10, 0, async (messages) => {
          swept.push(...messages.map((message) => message.event));
          return messages.map(({ id }) => id);
        });
        expect(swept).toEqual([JSON.parse(JSON.stringify(event))]);
        expect(await scene.otherDataSource.query('SELECT count(*)::integer AS n FROM saga_outbox')).toEqual([{ n: 0 }]);
      }),
      tries(60),
    );
  });

  test('are what records become, on Postgres as in memory', { timeout: patience }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyRecord, { minLength: 1, maxLength: 5 }), async (records) => {
        const counted = await takenBy(new Ground(), records, new TypeOrmStore(scene.dataSource));
        expect(counted).toBeGreaterThan(records.length);
      }),
      tries(25),
    );
  });
});

interface Fields {
  readonly text: string;
  readonly other: string;
  readonly data: object;
}

function rowWith({ text, other, data }: Fields): FenceRow {
  const sagaId = randomUUID();
  const step = kept(text);
  return {
    sagaId,
    step,
    status: 'running',
    predecessorsDone: [text, other],
    successorsClosed: [other],
    headers: { sagaId, sagaType: text, sagaVersion: 1, correlationId: other, partitionKey: text, traceparent: other },
    inputs: { in: { type: text, data } },
    result: { type: other, data },
    cause: { step: text, reason: other },
    causationId: text,
    attempts: 1,
    lastError: other,
    version: 0,
  };
}

function eventWith({ sagaId, step, headers }: FenceRow, { text, other, data }: Fields): Envelope {
  return {
    ...headers,
    id: messageId(sagaId, step, 'done'),
    type: text,
    source: other,
    time: '2026-03-01T00:00:00.000Z',
    step,
    outcome: 'done',
    causationId: other,
    cause: { step: other, reason: text },
    data,
  };
}

/** Texts of columns without what no text of Postgres can hold; documents as JSON. */
function asStored(row: FenceRow): unknown {
  const { predecessorsDone, successorsClosed, headers, causationId, lastError, ...rest } = row;
  const { inputs, result, cause } = JSON.parse(JSON.stringify(row)) as FenceRow;
  const { sagaType, correlationId, partitionKey, traceparent } = headers;
  return {
    ...rest,
    inputs,
    result,
    cause,
    predecessorsDone: predecessorsDone.map(kept),
    successorsClosed: successorsClosed.map(kept),
    headers: {
      ...headers,
      sagaType: kept(sagaType),
      correlationId: kept(correlationId),
      partitionKey: kept(partitionKey),
      traceparent: kept(traceparent!),
    },
    causationId: kept(causationId!),
    lastError: kept(lastError!),
    version: 1,
  };
}

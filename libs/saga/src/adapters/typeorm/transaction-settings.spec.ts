import { describe, expect, it } from 'vitest';
import { settingOf } from './transaction-settings.js';

describe('a statement that changes its transaction', () => {
  it.each([
    ['SET LOCAL search_path = a', 'SET LOCAL'],
    ['/* a */ set local role tenant', 'SET LOCAL'],
    ['SET CONSTRAINTS ALL DEFERRED', 'SET CONSTRAINTS'],
    [`SELECT set_config('app.tenant', $1, true)`, 'set_config'],
    [`WITH a AS (SELECT pg_catalog.set_config('a', upper(f(1, 2)), TRUE)) SELECT 1`, 'set_config'],
    [`SELECT set_config(setting_name => 'a', new_value => 'b', is_local => true)`, 'set_config'],
    ['SELECT pg_advisory_xact_lock(1)', 'pg_advisory_xact_lock'],
    ['SELECT pg_try_advisory_xact_lock_shared(1)', 'pg_advisory_xact_lock'],
    ['DECLARE c CURSOR FOR SELECT 1', 'DECLARE'],
    [`DO $$ BEGIN PERFORM set_config('a', 'b', true); END $$`, 'set_config'],
    [`DO $x$ BEGIN IF 1 = 1 THEN SET LOCAL a = 'b'; END IF; END $x$`, 'SET LOCAL'],
  ])('%s', (text, what) => {
    expect(settingOf(text, [])).toEqual({ of: 'transaction', what });
  });

  it.each([
    ['CREATE TEMP TABLE a (id int) ON COMMIT DROP', 'table IF EXISTS pg_temp.a'],
    ['create local temporary table if not exists "A b" as select 1', 'table IF EXISTS pg_temp."A b"'],
    ['CREATE OR REPLACE TEMP VIEW v AS SELECT 1', 'VIEW IF EXISTS pg_temp.v'],
    ['SELECT 1 AS n INTO TEMP t FROM a', 'TABLE IF EXISTS pg_temp.t'],
  ])('%s: what it makes is dropped with the step', (text, temporary) => {
    expect(settingOf(text, [])?.temporary?.toLowerCase()).toBe(temporary.toLowerCase());
  });

  it('by what its parameters say', () => {
    const text = `SELECT set_config($1, $2, $3::boolean)`;
    expect(settingOf(text, ['a', 'b', true])).toMatchObject({ of: 'transaction' });
    expect(settingOf(text, ['a', 'b', false])).toMatchObject({ of: 'connection' });
  });
});

describe('a statement that changes the connection', () => {
  it.each([
    `SET search_path = a`,
    `SET SESSION a = 'b'`,
    'SET ROLE tenant',
    `SET TIME ZONE 'UTC'`,
    'SET TRANSACTION ISOLATION LEVEL SERIALIZABLE',
    'SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY',
    'SET LOCAL transaction_read_only = on',
    'SET LOCAL SESSION AUTHORIZATION a',
    `SET LOCAL nest_saga.token = 'x'`,
    'RESET ALL',
    'DISCARD TEMP',
    'PREPARE a AS SELECT 1',
    'LISTEN a',
    'DECLARE c CURSOR WITH HOLD FOR SELECT 1',
    `SELECT set_config('a', 'b', false)`,
    `SELECT set_config('a', 'b', true), set_config('a', 'b', f(1))`,
    'SELECT pg_advisory_lock(1)',
    'SELECT pg_try_advisory_lock_shared(1)',
    'DO $$ BEGIN SET ROLE a; END $$',
  ])('%s', (text) => {
    expect(settingOf(text, [])).toMatchObject({ of: 'connection', instead: expect.stringMatching(/\.$/) as string });
  });
});

it.each([
  'UPDATE a SET role = 1',
  `INSERT INTO a VALUES ('set_config(1, 2, false)')`,
  `SELECT 'pg_advisory_lock(1)' -- SET LOCAL`,
  'SELECT * FROM temporary',
  'NOTIFY a',
  'CREATE TABLE temp_a (id int)',
  `DO $$ BEGIN UPDATE a SET b = 1; END $$`,
  'SAVEPOINT a',
])('%s changes rows, or nothing', (text) => {
  expect(settingOf(text, [])).toBeUndefined();
});

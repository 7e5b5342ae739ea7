import { describe, expect, it } from 'vitest';
import { controlOf, holdsSeveral } from './transaction-control.js';

describe('what a statement does to its transaction', () => {
  it.each([
    'COMMIT',
    ' ;; commit work',
    'end',
    'Abort',
    'BEGIN ISOLATION LEVEL SERIALIZABLE',
    'START TRANSACTION',
    'rollback',
    'ROLLBACK TRANSACTION AND CHAIN',
    'ROLLBACK PREPARED $1',
    "PREPARE /* a */ TRANSACTION 'x'",
    '/* a /* b */ c */COMMIT',
    '-- a\r\nCOMMIT',
    '--\nCOMMIT;--',
  ])('%s begins or ends it', (text) => {
    expect(controlOf(text)).toEqual({ type: 'transaction' });
  });

  it.each([
    ['SAVEPOINT a', 'set', 'a'],
    ['savepoint "A ""b"', 'set', 'A "b'],
    ['RELEASE A;', 'end', 'a'],
    ['RELEASE SAVEPOINT a', 'end', 'a'],
    ['ROLLBACK TO a', 'end', 'a'],
    ['ROLLBACK WORK TO SAVEPOINT a', 'end', 'a'],
    ['rollback/**/to savepoint savepoint', 'end', 'savepoint'],
  ])('%s is about a savepoint', (text, verb, name) => {
    expect(controlOf(text)).toEqual({ type: 'savepoint', verb, name });
  });

  it.each([
    'SELECT 1 -- COMMIT',
    'PREPARE a AS SELECT 1',
    'endpoint',
    'TABLE commits',
    '',
    '/* COMMIT',
    'CALL commit()',
  ])('%s is neither', (text) => {
    expect(controlOf(text)).toBeUndefined();
  });
});

describe('a text', () => {
  it.each(['COPY t FROM STDIN; COMMIT', "SELECT ';'; SELECT 1", "SELECT E'\\';'; COMMIT"])(
    '%s holds several',
    (text) => {
      expect(holdsSeveral(text)).toBe(true);
    },
  );

  it.each([
    'SELECT 1;',
    'SELECT \';x\', $$;x$$, $a$;$$x$a$, ";x" /* ;x */ -- ;x',
    "SELECT E'it\\';x'",
    "SELECT 'it'';x'",
  ])('%s holds one', (text) => {
    expect(holdsSeveral(text)).toBe(false);
  });
});

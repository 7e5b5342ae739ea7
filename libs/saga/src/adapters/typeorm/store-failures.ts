import { QueryFailedError } from 'typeorm';
import { FenceConflict, StoreFailure } from '../../ports/step-store.js';
import { chainOf, type ConnectionWatch } from './connection-watch.js';
import { isConflict } from './conflicts.js';

/**
 * What ended a transaction, by whose it is: `FenceConflict` and `StoreFailure` are nobody's, anything else is what a method did (or a subscriber of
 * the application refused), whenever the database noticed it.
 *
 * @param phase in which it was; `method` for all that is not the library's own query
 */
export function failureOf(
  error: unknown,
  phase: 'begin' | 'read' | 'method' | 'commit',
  watch: ConnectionWatch | undefined,
): unknown {
  if (error instanceof FenceConflict) return error;
  switch (phase) {
    case 'begin':
      return new StoreFailure('begin', { cause: error });
    case 'read':
      return ofRead(error);
    case 'method':
      return ofMethod(error, watch);
    case 'commit':
      return ofCommit(error, watch);
  }
}

function ofRead(error: unknown): unknown {
  if (isConflict(error)) return new FenceConflict({ cause: error });
  const code = codeOf(error);
  if (code !== undefined && isOfData(code)) return error;
  return new StoreFailure(code === undefined || isTrouble(code) ? 'begin' : 'read', { cause: error });
}

/** A method may have caught what the transaction failed with, and gone on: that is what is told, not what came of it. */
function ofMethod(error: unknown, watch: ConnectionWatch | undefined): unknown {
  const failed = watch?.failure;
  const first = watch ? (failed ?? watch.heardIn(error)) : error;
  const code = codeOf(first);
  if (code !== undefined && isConflictCode(code)) return new FenceConflict({ cause: error });
  if (code !== undefined && isTrouble(code)) return new StoreFailure('method', { cause: first });
  if (failed && isOfIdleness(code)) return asThrown(failed);
  if (watch?.isLost === true) return new StoreFailure('method', { cause: first ?? error });
  return failed && isConsequence(error, failed) ? asThrown(failed) : error;
}

/** What a failed transaction says to every further query. */
function isConsequence(error: unknown, failed: object): boolean {
  return error === failed || chainOf(error).some(({ code }) => code === '25P02');
}

/** @throws what a transaction cannot be committed after, although its method came to its end */
export function refuseFailed(watch: ConnectionWatch | undefined): void {
  if (watch?.failure) throw watch.failure;
  if (watch?.isLost === true) throw new Error('The connection was lost before the commit.');
}

/** Where the connection is lost, and only there, nobody knows. */
function ofCommit(error: unknown, watch: ConnectionWatch | undefined): unknown {
  const code = codeOf(error);
  const isUnanswered = code === undefined || /^(?:08|57P)/.test(code) || watch?.isLost === true;
  if (isUnanswered) return new StoreFailure('commit', { cause: error, outcome: 'unknown' });
  if (isConflict(error)) return new FenceConflict({ cause: error });
  if (isTrouble(code)) return new StoreFailure('commit', { cause: error });
  return isOfWhatWasWritten(error, code) ? error : new StoreFailure('save', { cause: error });
}

/** A deferred constraint, a trigger of the application's, or data that no column can hold. */
function isOfWhatWasWritten(error: unknown, code: string): boolean {
  const isOfTrigger = chainOf(error).some((one) => 'where' in one && typeof one.where === 'string');
  return isOfTrigger || isOfData(code) || code.startsWith('23') || code.startsWith('P0');
}

/** As TypeORM would have thrown it, so that rules for errors find it. */
function asThrown(first: object): unknown {
  return new QueryFailedError('(a query whose error the method caught, and went on)', undefined, first as Error);
}

/** The connection, its resources, an operator, the machine, or a server that may not write (a failover): no method's doing. */
function isTrouble(code: string): boolean {
  if (code === '53400') return false; // a limit that is set for one query, such as temp_file_limit
  return /^(?:08|53|57P|58)/.test(code) || code === '25006';
}

/** The method left its transaction alone for longer, or kept it open for longer, than the database allows. */
function isOfIdleness(code: string | undefined): boolean {
  return code === '25P03' || code === '25P04';
}

function isOfData(code: string): boolean {
  return code.startsWith('22') || code.startsWith('54');
}

function isConflictCode(code: string): boolean {
  return code === '40001' || code === '40P01';
}

/** The SQLSTATE of an error. */
function codeOf(error: unknown): string | undefined {
  const found = chainOf(error).find(({ code }) => typeof code === 'string' && /^(?=.*\d)[0-9A-Z]{5}$/.test(code));
  return found?.code as string | undefined;
}

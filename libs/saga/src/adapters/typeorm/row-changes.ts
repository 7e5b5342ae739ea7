import { isClosed } from '../../protocol/step-state.js';
import { fenceKey, type FenceKey, type FenceRow } from '../../ports/fence-row.js';
import type { Changes } from '../../ports/step-store.js';
import { operationStatements } from './operation-statements.js';
import { packed, recordOf, rowOf, type StepRecord } from './row-mapping.js';
import { forgetStatement, saveStatements, stageStatement, unlockStatements } from './statements.js';
import type { Tables } from './tables.js';
import { timerStatements } from './timer-statements.js';

/** The rows that were asked for, of those that were locked. */
export function rowsOf(locked: readonly StepRecord[], keys: readonly FenceKey[]): readonly FenceRow[] {
  if (locked.length === 0) return [];
  const asked = new Set(keys.map(fenceKey));
  return locked.map(rowOf).filter((row) => asked.has(fenceKey(row)));
}

/** All that a transaction writes of the library's own. */
export function written(tables: Tables, changes: Changes): readonly string[] {
  const { rows, staged, published } = changes;
  const messages = staged.map((message) => ({
    id: message.id,
    event: JSON.stringify(packed(message)),
  }));
  const ended = rows.filter(({ status, version }) => isClosed(status) && (status !== 'cancelled' || version > 0));
  return [
    ...saveStatements(tables, rows.map(recordOf)),
    ...unlockStatements(tables, ended),
    ...(messages.length > 0 ? [stageStatement(tables, messages)] : []),
    ...(published.length > 0 ? [forgetStatement(tables, published)] : []),
    ...timerStatements(tables, changes),
    ...operationStatements(tables, changes),
  ];
}

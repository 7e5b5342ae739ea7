import type { NewAuditEntry } from '../../ports/audit-log.js';
import type { LetterSettlement, NewDeadLetter } from '../../ports/dead-letters.js';
import type { Changes } from '../../ports/step-store.js';
import { quoted, textArray } from './statements.js';
import type { Tables } from './tables.js';

/** What a transaction writes of dead letters and operators; its values are written in, so that it can travel with the commit. */
export function operationStatements(
  tables: Tables,
  { letters = [], settlements = [], audited = [] }: Changes,
): readonly string[] {
  return [
    ...settlements.map((settlement) => settleStatement(tables, settlement)),
    ...(letters.length > 0 ? [letterStatement(tables, letters)] : []),
    ...(audited.length > 0 ? [auditStatement(tables, audited)] : []),
  ];
}

/** What is put away twice is there once. */
export function letterStatement(tables: Tables, letters: readonly NewDeadLetter[]): string {
  return `INSERT INTO ${tables.deadLetter} (id,kind,saga_id,saga_type,saga_version,step,reason,details,record,bytes,audience,graph,wanted)
    VALUES ${letters.map(letterValues).join(',')} ON CONFLICT (id) DO NOTHING`;
}

export function settleStatement(tables: Tables, { which, as, by }: LetterSettlement): string {
  const named =
    'id' in which
      ? `id = ${quoted(which.id)}::uuid`
      : `saga_id = ${quoted(which.sagaId)}::uuid AND step = ${quoted(which.step)} AND kind IN ('compensation','undecided')`;
  return `UPDATE ${tables.deadLetter} SET settled_at = now(), settled_as = ${quoted(as)}, settled_by = ${quoted(by)}
    WHERE ${named} AND settled_at IS NULL`;
}

/** Fails on the primary key when the same word was written before. */
function auditStatement(tables: Tables, entries: readonly NewAuditEntry[]): string {
  return `INSERT INTO ${tables.audit} (id,verb,saga_id,step,letter_id,actor,reason,verdict,because,details)
    VALUES ${entries.map(auditValues).join(',')}`;
}

function letterValues(letter: NewDeadLetter): string {
  const { id, kind, sagaId, sagaType, sagaVersion, step, reason, details, record, audience, graph, wanted } = letter;
  const kept = record && {
    headers: record.headers,
    key: record.key,
    malformed: record.malformed,
    origin: record.origin,
  };
  return tuple([
    quoted(id),
    quoted(kind),
    `${orNull(sagaId)}::uuid`,
    orNull(sagaType),
    sagaVersion === undefined ? 'NULL::integer' : String(sagaVersion),
    orNull(step),
    quoted(reason),
    json(details),
    kept ? json(kept) : 'NULL::json',
    record ? `'\\x${Buffer.from(record.raw).toString('hex')}'::bytea` : 'NULL::bytea',
    orNull(audience),
    orNull(graph),
    wanted ? textArray(wanted) : 'NULL::text[]',
  ]);
}

function auditValues(entry: NewAuditEntry): string {
  const { id, verb, sagaId, step, letterId, actor, reason, verdict, because, details } = entry;
  return tuple([
    quoted(id),
    quoted(verb),
    `${orNull(sagaId)}::uuid`,
    orNull(step),
    `${orNull(letterId)}::uuid`,
    quoted(actor),
    quoted(reason),
    quoted(verdict),
    quoted(because),
    json(details),
  ]);
}

function tuple(values: readonly string[]): string {
  return `(${values.join(',')})`;
}

function json(value: object): string {
  return `${quoted(JSON.stringify(value))}::json`;
}

function orNull(text: string | undefined): string {
  return text === undefined ? 'NULL' : quoted(text);
}

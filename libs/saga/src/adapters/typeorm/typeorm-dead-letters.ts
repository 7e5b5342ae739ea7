import type { DataSource } from 'typeorm';
import type { IncomingRecord } from '../../ports/transport.js';
import type {
  DeadLetter,
  DeadLetters,
  LetterFilter,
  LetterKind,
  LetterSettlement,
  LetterSettling,
  NewDeadLetter,
} from '../../ports/dead-letters.js';
import { letterStatement, settleStatement } from './operation-statements.js';
import { asJson } from './statements.js';
import { queryApart } from './step-transaction.js';
import type { Tables } from './tables.js';

const columns =
  "id, kind, saga_id, saga_type, saga_version, step, reason, details, record, encode(bytes, 'base64') AS bytes, audience, graph, wanted, created_at, settled_at, settled_as, settled_by";

/** A row of `saga_dead_letter`. */
interface LetterRecord {
  readonly id: string;
  readonly kind: LetterKind;
  readonly saga_id: string | null;
  readonly saga_type: string | null;
  readonly saga_version: number | null;
  readonly step: string | null;
  readonly reason: string;
  readonly details: object;
  readonly record: Pick<IncomingRecord, 'headers' | 'key' | 'malformed' | 'origin'> | null;
  /** In base64: what bytes look like as text is a setting of the database's. */
  readonly bytes: string | null;
  readonly audience: DeadLetter['audience'] | null;
  readonly graph: string | null;
  readonly wanted: readonly string[] | null;
  readonly created_at: string;
  readonly settled_at: string | null;
  readonly settled_as: LetterSettling | null;
  readonly settled_by: string | null;
}

export class TypeOrmDeadLetters implements DeadLetters {
  constructor(
    private readonly dataSource: DataSource,
    private readonly tables: Tables,
  ) {}

  async put(letters: readonly NewDeadLetter[]): Promise<void> {
    if (letters.length > 0) await queryApart(this.dataSource, letterStatement(this.tables, letters));
  }

  async find(id: string): Promise<DeadLetter | undefined> {
    const [record] = await queryApart<LetterRecord>(
      this.dataSource,
      asJson(`SELECT ${columns} FROM ${this.tables.deadLetter} WHERE id = $1::uuid`),
      [id],
    );
    return record && letterOf(record);
  }

  async list({
    state,
    kind,
    sagaId,
    sagaType,
    sagaVersion,
    takenBy,
    after,
    limit,
  }: LetterFilter): Promise<readonly DeadLetter[]> {
    const values: unknown[] = [limit];
    const given = (value: unknown): string => `$${values.push(value)}`;
    const conditions = [
      ...(state === undefined ? [] : [`settled_at IS ${state === 'open' ? '' : 'NOT '}NULL`]),
      ...(kind === undefined ? [] : [`kind = ${given(kind)}`]),
      ...(sagaId === undefined ? [] : [`saga_id = ${given(sagaId)}::uuid`]),
      ...(sagaType === undefined ? [] : [`saga_type = ${given(sagaType)}`]),
      ...(sagaVersion === undefined ? [] : [`saga_version = ${given(sagaVersion)}`]),
      ...(takenBy === undefined
        ? []
        : [
            `(graph IS NULL OR graph = ANY(${given(takenBy.graphs)}::text[]))`,
            `(wanted IS NULL OR wanted <@ ${given(takenBy.steps)}::text[])`,
          ]),
      ...(after === undefined
        ? []
        : [
            `(created_at, id) > (SELECT created_at, id FROM ${this.tables.deadLetter} WHERE id = ${given(after)}::uuid)`,
          ]),
    ];
    const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
    const records = await queryApart<LetterRecord>(
      this.dataSource,
      asJson(`SELECT ${columns} FROM ${this.tables.deadLetter} ${where} ORDER BY created_at, id LIMIT $1`),
      values,
    );
    return records.map(letterOf);
  }

  async settle(settlement: LetterSettlement): Promise<number> {
    const settled = await queryApart(
      this.dataSource,
      `${settleStatement(this.tables, settlement)} RETURNING 'true' AS record`,
    );
    return settled.length;
  }

  async backlog(): ReturnType<DeadLetters['backlog']> {
    const rows = await queryApart<{ kind: LetterKind; size: number; oldest: string }>(
      this.dataSource,
      asJson(
        `SELECT kind, count(*) AS size, min(created_at) AS oldest FROM ${this.tables.deadLetter} WHERE settled_at IS NULL GROUP BY kind`,
      ),
    );
    const [oldest] = rows.map((row) => new Date(row.oldest)).toSorted((a, b) => a.getTime() - b.getTime());
    return { sizes: Object.fromEntries(rows.map(({ kind, size }) => [kind, size])), ...(oldest && { oldest }) };
  }
}

function letterOf(row: LetterRecord): DeadLetter {
  const { settled_at: at, settled_as: as, settled_by: by } = row;
  const record = row.record && row.bytes !== null && recordOf(row.record, Buffer.from(row.bytes, 'base64'));
  return {
    id: row.id,
    kind: row.kind,
    ...(row.saga_id !== null && { sagaId: row.saga_id }),
    ...(row.saga_type !== null && { sagaType: row.saga_type }),
    ...(row.saga_version !== null && { sagaVersion: row.saga_version }),
    ...(row.step !== null && { step: row.step }),
    reason: row.reason,
    details: row.details,
    ...(record && { record }),
    ...(row.audience && { audience: row.audience }),
    ...(row.graph !== null && { graph: row.graph }),
    ...(row.wanted && { wanted: row.wanted }),
    createdAt: new Date(row.created_at),
    ...(at && as && by !== null && { settled: { at: new Date(at), as, by } }),
  };
}

/** The value is not kept beside its bytes. */
function recordOf(kept: NonNullable<LetterRecord['record']>, raw: Buffer): IncomingRecord {
  return { ...kept, raw, value: kept.malformed === undefined ? raw.toString() : '' };
}

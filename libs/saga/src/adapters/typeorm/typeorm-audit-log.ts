import type { DataSource } from 'typeorm';
import type { AuditEntry, AuditFilter, AuditLog } from '../../ports/audit-log.js';
import { asJson } from './statements.js';
import { queryApart } from './step-transaction.js';
import type { Tables } from './tables.js';

/** A row of `saga_audit`. */
interface AuditRecord extends Pick<AuditEntry, 'id' | 'verb' | 'actor' | 'reason' | 'verdict' | 'because' | 'details'> {
  readonly at: string;
  readonly saga_id: string | null;
  readonly step: string | null;
  readonly letter_id: string | null;
}

export class TypeOrmAuditLog implements AuditLog {
  constructor(
    private readonly dataSource: DataSource,
    private readonly tables: Tables,
  ) {}

  async list({ sagaId, letterId, limit }: AuditFilter): Promise<readonly AuditEntry[]> {
    const values: unknown[] = [limit];
    const conditions = [
      ...(sagaId === undefined ? [] : [`saga_id = $${values.push(sagaId)}::uuid`]),
      ...(letterId === undefined ? [] : [`letter_id = $${values.push(letterId)}::uuid`]),
    ];
    const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
    const records = await queryApart<AuditRecord>(
      this.dataSource,
      asJson(`SELECT * FROM ${this.tables.audit} ${where} ORDER BY at DESC, id DESC LIMIT $1`),
      values,
    );
    return records.map(entryOf);
  }
}

function entryOf({ at, saga_id, step, letter_id, ...entry }: AuditRecord): AuditEntry {
  return {
    ...entry,
    at: new Date(at),
    ...(saga_id !== null && { sagaId: saga_id }),
    ...(step !== null && { step }),
    ...(letter_id !== null && { letterId: letter_id }),
  };
}

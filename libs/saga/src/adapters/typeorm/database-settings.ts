import type { DataSource } from 'typeorm';
import { asJson } from './statements.js';
import { queryApart } from './step-transaction.js';

interface Settings {
  readonly synchronousCommit: string;
  readonly fsync: string;
  readonly fullPageWrites: string;
  readonly standby: boolean;
  readonly readOnly: string;
}

/** What is wrong with a database, as this client sees it: `unfit` makes sagas impossible, `unsafe` loses what was committed when Postgres or its machine dies. */
export async function databaseTrouble(
  dataSource: DataSource,
): Promise<{ readonly unfit: readonly string[]; readonly unsafe: readonly string[] }> {
  const [settings] = await queryApart<Settings>(
    dataSource,
    asJson(`SELECT current_setting('synchronous_commit') AS "synchronousCommit", current_setting('fsync') AS fsync,
      current_setting('full_page_writes') AS "fullPageWrites", pg_is_in_recovery() AS standby,
      current_setting('transaction_read_only') AS "readOnly"`),
  );
  if (!settings) return { unfit: [], unsafe: [] };
  const off = [
    ['synchronous_commit', settings.synchronousCommit],
    ['fsync', settings.fsync],
    ['full_page_writes', settings.fullPageWrites],
  ].flatMap(([name, value]) => (value === 'off' ? [name!] : []));
  return { unfit: unfit(settings), unsafe: off };
}

function unfit({ standby, readOnly }: Settings): readonly string[] {
  if (standby)
    return ['the DataSource is connected to a standby of Postgres, which takes no writes; connect it to the primary'];
  if (readOnly === 'on')
    return [
      'the transactions of the DataSource are read-only (default_transaction_read_only is on, for the server, the database, the role or the connection); sagas write',
    ];
  return [];
}

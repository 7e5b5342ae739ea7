import type { DataSource, QueryRunner } from 'typeorm';
import type { FenceKey, FenceRow } from '../../ports/fence-row.js';
import { FenceConflict, type CallersTransaction, type Changes, type StepTransaction } from '../../ports/step-store.js';
import { afterOutermostCommit } from './callers-commit.js';
import { conflictInSnapshot, isEnded, lostByMethod, runnerToJoin, unfitManager } from './callers-refusals.js';
import { isConflict } from './conflicts.js';
import { asTexts, readWith, recordsOf } from './reading.js';
import { rowsOf, written } from './row-changes.js';
import { rowOf, type StepRecord } from './row-mapping.js';
import { findStatement, lockStatement } from './statements.js';
import type { Tables } from './tables.js';

/** How the store lets a method work in a transaction. */
export type Opening = (
  runner: QueryRunner,
  rows: readonly FenceRow[],
  save: StepTransaction['save'],
) => StepTransaction;

interface Client {
  query(query: object): Promise<unknown>;
  getTransactionStatus?(): 'I' | 'T' | 'E' | null;
}

/** What a caller set in its transaction and the library must not be subject to, and whether it sees what others commit meanwhile. */
interface Surroundings {
  readonly role: string;
  readonly isolation: string;
  readonly read_only: string;
}

let savepoints = 0;

/** Who is at work on a caller's connection: savepoints are nested, so it is one after the other. */
const turns = new WeakMap<QueryRunner, Promise<unknown>>();

/** A transaction of the application's. What is done in it is in a savepoint, with the role of the session, on its own connection alone. */
export class JoinedTransaction implements CallersTransaction {
  private saved: Changes | undefined;

  private constructor(
    private readonly runner: QueryRunner,
    private readonly client: Client,
    private readonly around: Surroundings,
    private readonly tables: Tables,
    private readonly open: Opening,
  ) {}

  /** @throws SagaError `INVALID_MANAGER` */
  static async of(dataSource: DataSource, tables: Tables, manager: unknown, open: Opening): Promise<JoinedTransaction> {
    const runner = runnerToJoin(dataSource, manager);
    const client = (await runner.connect()) as Client;
    const around = await inTurn(runner, () => surroundings(client));
    return new JoinedTransaction(runner, client, around, tables, open);
  }

  transaction<T>(keys: readonly FenceKey[], work: (transaction: StepTransaction) => Promise<T>): Promise<T> {
    return inTurn(this.runner, () => this.inSavepoint(keys, work));
  }

  find(sagaId: string): Promise<readonly FenceRow[]> {
    return inTurn(this.runner, async () => {
      await this.say(this.apart);
      const rows = await readWith<StepRecord>(this.runner, findStatement(this.tables), [sagaId]);
      await this.say(this.back);
      return rows.map(rowOf);
    });
  }

  afterCommit(call: () => void): void {
    afterOutermostCommit(this.runner, this.tables, { saved: this.saved, call });
  }

  private async inSavepoint<T>(
    keys: readonly FenceKey[],
    work: (transaction: StepTransaction) => Promise<T>,
  ): Promise<T> {
    const name = `nest_saga_${(savepoints += 1)}`;
    const nesting = this.runner as unknown as { transactionDepth: number; isTransactionActive: boolean };
    const { transactionDepth } = nesting;
    const changes: Changes[] = [];
    try {
      const locked = await this.lock(name, keys);
      const result = await work(this.opened(rowsOf(locked, keys), changes));
      if (nesting.transactionDepth !== transactionDepth) throw lostByMethod('left a transaction inside it open');
      const statements = changes.flatMap((saved) => written(this.tables, saved));
      await this.say([...statements, ...this.back, `RELEASE SAVEPOINT ${name}`]);
      this.saved = changes.at(-1);
      return result;
    } catch (error) {
      await this.rollBackTo(name, error);
      Object.assign(nesting, { transactionDepth, isTransactionActive: true });
      throw this.told(error);
    }
  }

  private async lock(savepoint: string, keys: readonly FenceKey[]): Promise<readonly StepRecord[]> {
    const lock = lockStatement(this.tables, keys);
    const texts = [`SAVEPOINT ${savepoint}`, ...this.apart, ...(lock ? [lock] : [])];
    const results = await this.client.query(asTexts(texts.join(';')));
    return lock ? recordsOf((results as { rows: object[] }[]).at(-1)!.rows) : [];
  }

  /** A method acts as the caller does. */
  private opened(rows: readonly FenceRow[], changes: Changes[]): StepTransaction {
    const open = this.open(this.runner, rows, async (saved) => void changes.push(saved));
    if (this.back.length === 0) return open;
    const run: StepTransaction['run'] = async (method) => {
      await this.say(this.back);
      const answer = await open.run(method);
      await this.say(this.apart);
      return answer;
    };
    return Object.assign(Object.create(open) as StepTransaction, { run });
  }

  private async rollBackTo(name: string, error: unknown): Promise<void> {
    try {
      await this.say([`ROLLBACK TO SAVEPOINT ${name}`, `RELEASE SAVEPOINT ${name}`]);
    } catch (lost) {
      throw isEnded(lost) ? lostByMethod('ended it', error) : error;
    }
  }

  /** In a snapshot that stands still, repeating finds the same again; whoever was in a deadlock lets go of all that it holds. */
  private told(error: unknown): unknown {
    if (!isConflict(error)) return error;
    const stands = this.around.isolation === 'read committed';
    return stands && !isSerialization(error) ? new FenceConflict({ cause: error }) : conflictInSnapshot(error);
  }

  /** The library's tables are the session user's, whoever the caller acts as. */
  private get apart(): readonly string[] {
    return this.around.role === 'none' ? [] : ['SET LOCAL ROLE NONE'];
  }

  private get back(): readonly string[] {
    const { role } = this.around;
    return role === 'none' ? [] : [`SET LOCAL ROLE "${role.replaceAll('"', '""')}"`];
  }

  private async say(texts: readonly string[]): Promise<void> {
    if (texts.length > 0) await this.client.query(asTexts(texts.join(';')));
  }
}

async function surroundings(client: Client): Promise<Surroundings> {
  const { rows } = (await client
    .query(
      asTexts(
        `SELECT current_setting('role') AS role, current_setting('transaction_isolation') AS isolation, current_setting('transaction_read_only') AS read_only`,
      ),
    )
    .catch((error: unknown) => {
      throw unfitManager('is of a transaction that has failed; roll it back and begin anew', error);
    })) as { rows: readonly [Surroundings] };
  if (client.getTransactionStatus?.() === 'I')
    throw unfitManager('is of a transaction that was ended in SQL; start the saga before its COMMIT');
  if (rows[0].read_only === 'on')
    throw unfitManager('is of a READ ONLY transaction, in which no saga can be written; begin one that may write');
  return rows[0];
}

async function inTurn<T>(runner: QueryRunner, work: () => Promise<T>): Promise<T> {
  const before = turns.get(runner);
  const mine = before ? before.then(work, work) : work();
  turns.set(
    runner,
    mine.catch(() => undefined),
  );
  return mine;
}

function isSerialization(error: unknown): boolean {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1)
    if ('code' in at && (at.code === '40001' || at.code === '40P01')) return true;
  return false;
}

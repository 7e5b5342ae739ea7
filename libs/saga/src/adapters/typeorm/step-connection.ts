import type { PoolClient } from 'pg';
import type { DataSource, QueryRunner } from 'typeorm';
import { stepClient } from './step-client.js';
import {
  oneStatementPerQuery,
  sessionOfThePool,
  settingInStream,
  stepEnded,
  stepUnfinished,
  transactionOfTheStep,
  transactionsOverlap,
} from './step-refusals.js';
import { currentPart } from './step-storage.js';
import type { StepStream } from './step-stream.js';
import { Turns, type Part, type Speaker } from './step-turns.js';
import { OwnTransactionNeeded } from '../../ports/step-store.js';
import { asBefore, rememberSettings, rememberTemporary } from './step-settings.js';
import { controlOf, holdsSeveral } from './transaction-control.js';
import { settingOf, type Setting } from './transaction-settings.js';

/** The driver's side of a query runner. */
export interface DriverRunner {
  databaseConnection?: PoolClient;
  databaseConnectionPromise?: Promise<PoolClient>;
  isTransactionActive: boolean;
  transactionDepth: number;
  /** With an error the pool closes the connection. */
  releasePostgresConnection(error?: unknown): Promise<void>;
}

export function driverSide(runner: QueryRunner): DriverRunner {
  return runner as unknown as DriverRunner;
}

/** Connections on which a stream is under way: nothing that is said on them would be heard before its end. */
const streaming = new WeakSet<PoolClient>();

export function isStreaming(client: PoolClient | undefined): boolean {
  return client !== undefined && streaming.has(client);
}

/** The connection of a transaction, as one step may use it. Whoever holds a part of it after the step is refused. */
export class StepConnection {
  readonly dataSource: DataSource;
  readonly turns = new Turns();
  ended = false;
  /** The step changes what it shares. However its method takes the error, the transaction cannot be committed. */
  ownNeeded: OwnTransactionNeeded | undefined;
  private readonly client: PoolClient;
  private readonly savepoints = new Set<string>();
  private sharedRunner: QueryRunner | undefined;
  private readonly underWay = new Set<Promise<unknown>>();
  private readonly open = new Set<StepStream>();
  private spoiledBy: Error | undefined;

  /**
   * @param base is in the transaction that the step joins
   * @param isShared whether other steps, or a caller, are in it too
   */
  constructor(
    readonly base: QueryRunner,
    private readonly isShared = false,
  ) {
    this.dataSource = base.dataSource;
    this.client = driverSide(base).databaseConnection!;
  }

  /** The runner of the step as a whole: of its manager, and of those who ask the manager for one. To be had only while the step runs. */
  get shared(): QueryRunner {
    this.sharedRunner ??= this.dataSource.createQueryRunner();
    return this.sharedRunner;
  }

  isOfAll(runner: QueryRunner | undefined): boolean {
    return runner !== undefined && runner === this.sharedRunner;
  }

  clientFor(speaker: Speaker): PoolClient {
    return stepClient(this.client, this, speaker);
  }

  /** @throws SagaError `STEP_ENDED`; `SESSION_OF_THE_POOL`; `TRANSACTION_OF_THE_STEP` for a statement that begins or ends a transaction, or a savepoint that is not the step's */
  check(text: unknown, values?: unknown): Setting | undefined {
    if (this.ended) throw stepEnded();
    if (typeof text !== 'string') return undefined;
    const control = controlOf(text);
    if (control?.type === 'transaction') throw transactionOfTheStep();
    if (control?.verb === 'set') this.savepoints.add(control.name);
    if (control?.verb === 'end' && !this.savepoints.has(control.name)) throw transactionOfTheStep();
    const setting = settingOf(text, values);
    if (setting?.of === 'connection') throw sessionOfThePool(setting);
    if (setting && this.isShared) throw (this.ownNeeded ??= new OwnTransactionNeeded(setting.what));
    return setting;
  }

  /** Before a step changes its transaction, what the library needs of it is noted, to be put right before its own statements. */
  async note({ temporary }: Pick<Setting, 'temporary'>): Promise<void> {
    await rememberSettings(this.base, this.client);
    if (temporary !== undefined) rememberTemporary(this.base, temporary);
  }

  /** For the library's own queries inside a step. */
  asBefore<T>(work: () => Promise<T>): Promise<T> {
    return asBefore(this.base, this.client, work);
  }

  /** For a query that sends itself, whose settings nobody could note first. */
  checkStream(text: string): void {
    const setting = this.check(text);
    if (setting) throw settingInStream(setting.what);
  }

  /** For a text that Postgres would take whole. */
  checkAlone(text: string): void {
    this.checkStream(text);
    if (holdsSeveral(text)) throw oneStatementPerQuery();
  }

  /** Says something when it is the speaker's turn. */
  async speak<T>(speaker: Speaker, send: () => Promise<T>): Promise<T> {
    for (const stream of this.open) await stream.over();
    const turn = this.turns.enter(speaker, currentPart(this));
    if (turn) await turn;
    const said = send();
    const over = said.then(nothing, nothing);
    this.underWay.add(over);
    void over.then(() => {
      this.underWay.delete(over);
      this.turns.leave();
    });
    return said;
  }

  streams(stream: StepStream): void {
    this.open.add(stream);
    streaming.add(this.client);
  }

  streamed(stream: StepStream): void {
    stream.end();
    this.open.delete(stream);
    if (this.open.size === 0) streaming.delete(this.client);
  }

  async openPart(speaker: Speaker): Promise<Part> {
    if (this.ended) throw stepEnded();
    const inside = currentPart(this);
    return this.speak(speaker, async () => {
      const part = this.turns.open(speaker, inside);
      await this.say(`SAVEPOINT ${part.name}`);
      return part;
    });
  }

  async commitPart(part: Part): Promise<void> {
    if (this.ended) throw stepEnded();
    if (part.state === 'gone') throw this.spoiled(transactionsOverlap());
    await this.speak(part.owner, async () => {
      if (this.turns.commit(part)) await this.say(`RELEASE SAVEPOINT ${part.name}`);
    });
  }

  async rollBackPart(part: Part): Promise<void> {
    if (this.ended) throw stepEnded();
    if (part.state === 'gone') return;
    await this.speak(part.owner, async () => {
      if (part.hasStrangers) this.spoiled(transactionsOverlap());
      await this.say(`ROLLBACK TO SAVEPOINT ${part.name}`);
      this.turns.rollBack(part);
    });
  }

  /** The method has returned. @throws SagaError when what it left behind cannot be committed */
  async finish(): Promise<void> {
    if (this.open.size > 0) throw stepUnfinished('stream');
    if (this.turns.hasOpenPart) throw stepUnfinished('transaction');
    this.end();
    while (this.underWay.size > 0) await Promise.all(this.underWay);
    const wrong = this.ownNeeded ?? this.spoiledBy;
    if (wrong) throw wrong;
  }

  end(): void {
    this.ended = true;
    this.turns.end();
  }

  private async say(text: string): Promise<void> {
    this.dataSource.logger.logQuery(text, undefined, this.base);
    await this.client.query(text);
  }

  /** However the method takes the error, the step cannot be committed. */
  private spoiled(error: Error): Error {
    this.spoiledBy ??= error;
    return error;
  }
}

function nothing(): void {}

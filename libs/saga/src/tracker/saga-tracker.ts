import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { decode } from '../protocol/cloud-event.js';
import type { Branches } from '../protocol/branches.js';
import type { Envelope } from '../protocol/envelope.js';
import type { Outcome } from '../protocol/outcome.js';
import type { Parent } from '../protocol/parent.js';
import { expanded } from '../protocol/expanded.js';
import { reasonOf } from '../protocol/reason.js';
import { waitingSteps, type SagaStatus } from '../protocol/saga-state.js';
import { PoisonRecord } from '../protocol/wire.js';
import type { IncomingRecord } from '../ports/transport.js';
import { SagaRuntime } from '../nest/runtime.js';
import { isUuid } from '../protocol/uuid.js';
import { causalOrder } from './causal-order.js';
import { contradicting } from './contradictions.js';
import { evidenceOf, graphIn } from './evidence.js';
import { purgeHistory } from './history-purge.js';
import { isOfTheData } from './of-the-data.js';
import {
  appendContradictions,
  appendEvents,
  debtsInside,
  eventsOf,
  historyOf,
  lockInstances,
  lockUnfolded,
  markUnfolded,
  saveInstances,
  snapshotOf,
  type Snapshot,
  type TrackerTransaction,
} from './tracker-tables.js';

/** A saga as its events tell it. */
export interface TrackedSaga {
  readonly sagaId: string;
  readonly saga: string;
  readonly version: number;
  /** The fingerprint of the graph that it began with; absent where none of its events names one. */
  readonly graph?: string;
  readonly status: SagaStatus;
  /** Each step of which something is known, with the furthest that is known; `waiting` for one that awaits a signal, once all before it is done. */
  readonly steps: Readonly<Record<string, Outcome | 'waiting'>>;
  readonly inconsistencies: readonly string[];
  /** Steps whose undo is owed and waits for a person, or was waived; of a step that is a saga, whatever is owed inside it. A saga whose definition lets the undo go on may be aborted all the same. */
  readonly debts: readonly string[];
  readonly correlationId: string;
  /** The branches of its fan-outs, once its source is done; `steps` has them as `reserveLeg[flight]`. */
  readonly branches?: Branches;
  /** The step of another saga that this saga is. */
  readonly parent?: Parent;
  /** Every event once, each after the one that caused it. */
  readonly history: readonly HistoryEntry[];
}

export interface HistoryEntry {
  readonly id: string;
  readonly type: string;
  readonly step: string;
  readonly outcome: Outcome;
  readonly source: string;
  readonly time: string;
  readonly causationId?: string;
  readonly data: object;
}

/**
 * Evidence, never authority: logs every saga event once and folds each saga's set of events into its state. Sagas finish without it,
 * and it can be rebuilt from the first offset at any time.
 */
@Injectable()
export class SagaTracker implements OnModuleInit {
  private readonly logger = new Logger('SagaTrackerModule');

  constructor(private readonly runtime: SagaRuntime) {}

  async onModuleInit(): Promise<void> {
    await this.runtime.prepare();
    if (this.runtime.options.store) await this.runtime.prepareTables();
    const { topics, sagas, options } = this.runtime;
    this.runtime.alsoConsume({
      group: topics.group(`${options.service}.tracker`),
      topics: [...new Set(sagas.flatMap((saga) => topics.ofSaga(saga)))],
      handle: (records) => this.record(records),
    });
    const { purge } = this.runtime.service;
    purge?.also(
      sagas.flatMap((saga) => topics.ofSaga(saga)),
      ({ history, batchSize }) => purgeHistory(this.runtime.dataSource(), this.runtime.tables(), history, batchSize),
    );
  }

  async find(sagaId: string): Promise<TrackedSaga | undefined> {
    if (!isUuid(sagaId)) return undefined;
    const dataSource = this.runtime.dataSource();
    const tables = this.runtime.tables();
    const snapshot = await snapshotOf(dataSource, tables, sagaId);
    if (!snapshot || !this.runtime.sagas.some(({ name }) => name === snapshot.saga)) return undefined;
    const saga = this.runtime.sagas.find(({ name, version }) => name === snapshot.saga && version === snapshot.version);
    const events = await historyOf(dataSource, tables, sagaId);
    const branches = events.find((event) => event.branches)?.branches;
    const graph = events.find((event) => event.graph !== undefined)?.graph;
    const parent = events.find((event) => event.parent)?.parent;
    const history = causalOrder(saga && graphIn(saga, events), events).map(entryOf);
    const hasSagasInside = Object.values(saga?.steps ?? {}).some(({ nested }) => nested);
    const inside = hasSagasInside ? await debtsInside(dataSource, tables, sagaId) : [];
    const waiting = saga ? waitingSteps(expanded(saga, branches), snapshot) : [];
    return {
      ...snapshot,
      steps: { ...snapshot.steps, ...Object.fromEntries(waiting.map((step) => [step, 'waiting' as const])) },
      debts: [...new Set([...snapshot.debts, ...inside])],
      ...(graph !== undefined && { graph }),
      ...(branches && { branches }),
      ...(parent && { parent }),
      history,
    };
  }

  /** Logs a batch and brings the snapshots of its sagas up to date, in one transaction. Poison is its participants' to bury. */
  private async record(records: readonly IncomingRecord[]): Promise<void> {
    const events = records.flatMap((record) => this.known(record));
    if (events.length === 0) return;
    await this.append(events).catch(async (error: unknown) => {
      if (!isOfTheData(error)) throw error;
      for (const event of events) await this.appendAlone(event);
    });
  }

  private async append(events: readonly Envelope[]): Promise<void> {
    const sagaIds = [...new Set(events.map(({ sagaId }) => sagaId))].toSorted();
    await this.transaction(async (transaction) => {
      await lockInstances(transaction, events);
      await appendEvents(transaction, events);
      const logged = await eventsOf(transaction, sagaIds);
      const more = contradicting(events, logged);
      if (more.length > 0) await appendContradictions(transaction, more);
      await this.fold(transaction, sagaIds, [...logged, ...more]);
    });
  }

  /** One that no table takes is left out, and said: it would stop all that comes after it. */
  private async appendAlone(event: Envelope): Promise<void> {
    try {
      await this.append([event]);
    } catch (error) {
      if (!isOfTheData(error)) throw error;
      this.runtime.service.participant.tally.count('deadLettered');
      this.logger.error(`Event "${event.id}" of saga ${event.sagaId} is left out of its history: ${reasonOf(error)}`);
    }
  }

  /** Folds what was logged by a process that did not know its version, if there is any; at most 200 sagas at once. */
  async catchUp(): Promise<number> {
    const { sagas } = this.runtime;
    return this.transaction(async (transaction) => {
      const sagaIds = await lockUnfolded(transaction, sagas, 200);
      if (sagaIds.length > 0) await this.fold(transaction, sagaIds, await eventsOf(transaction, sagaIds));
      return sagaIds.length;
    });
  }

  private transaction<T>(work: (transaction: TrackerTransaction) => Promise<T>): Promise<T> {
    const tables = this.runtime.tables();
    return this.runtime.withTables(() =>
      this.runtime.dataSource().transaction(({ queryRunner }) => work({ runner: queryRunner!, tables })),
    );
  }

  /** A saga of a version that is unknown here keeps the state that another process saw, and is folded by one that knows. */
  private async fold(
    transaction: TrackerTransaction,
    sagaIds: readonly string[],
    events: readonly Envelope[],
  ): Promise<void> {
    const snapshots = this.snapshots(events);
    const folded = new Set(snapshots.map(({ sagaId }) => sagaId));
    await saveInstances(transaction, snapshots);
    const unfolded = sagaIds.filter((sagaId) => !folded.has(sagaId));
    if (unfolded.length > 0) await markUnfolded(transaction, unfolded);
  }

  private snapshots(events: readonly Envelope[]): readonly (Snapshot & { readonly startedAt: string })[] {
    const bySaga = new Map<string, Envelope[]>();
    for (const event of events) bySaga.set(event.sagaId, [...(bySaga.get(event.sagaId) ?? []), event]);
    return [...bySaga].flatMap(([sagaId, ofSaga]) => {
      const proven = evidenceOf(this.runtime.sagas, ofSaga, this.runtime.options.acceptsGraphs);
      if (!proven) return [];
      const { saga, ...evidence } = proven;
      const parent = ofSaga.find((event) => event.parent)?.parent;
      return [{ ...evidence, sagaId, saga: saga.name, ...(parent && { parent }) }];
    });
  }

  private known(record: IncomingRecord): readonly Envelope[] {
    try {
      const event = decode(record);
      return this.runtime.sagas.some(({ name }) => name === event.sagaType) ? [event] : [];
    } catch (error) {
      if (error instanceof PoisonRecord) return [];
      throw error;
    }
  }
}

function entryOf({ id, type, step, outcome, source, time, causationId, data }: Envelope): HistoryEntry {
  return { id, type, step, outcome, source, time, ...(causationId !== undefined && { causationId }), data };
}

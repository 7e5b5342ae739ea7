import type { SagaGraph, StepNode } from '../definition/saga-definition.js';
import { SagaError } from '../protocol/errors.js';
import type { NewAuditEntry } from '../ports/audit-log.js';
import { inOwnContext } from '../ports/own-context.js';
import { StoreFailure, type CallersTransaction } from '../ports/step-store.js';
import type { Timer } from '../ports/timers.js';
import { abortEvent } from './abort-event.js';
import { headersForAbort, type KnownOfSaga } from './operate/abort-headers.js';
import type { Subscription } from '../ports/transport.js';
import { Batcher } from './batcher.js';
import { Deliverer } from './deliver.js';
import type { Delivery, Settled } from './delivery.js';
import { Externals } from './failure/externals.js';
import { toldToCaller } from './failure/nobodys.js';
import { FailingSteps } from './failure/failing-steps.js';
import type { Audience } from './bound-step.js';
import { ParkedVersions } from './versions/parked-versions.js';
import type { Participant } from './participant.js';
import type { Patience } from './patience.js';
import { Purge } from './retention/purge.js';
import { receive, takeParked } from './receive.js';
import { Relay } from './relay.js';
import { RunningBatches } from './running-batches.js';
import type { DueLoop } from './time/due-loop.js';
import { Logbook } from './logbook.js';
import { Retries } from './failure/retries.js';
import { signalStep, type SignalAnswer } from './time/signal.js';
import { timers } from './time/timers.js';
import { earliestTimer, hasTimers } from './time/timers-of.js';
import { startSaga, type Started, type StartOptions } from './start.js';
import { refuseOtherGraph } from './versions/other-graph.js';
import { within } from './within.js';

/** A saga that is to be closed backwards, and why. */
export interface AbortRequest {
  readonly saga: SagaGraph;
  readonly sagaId: string;
  readonly reason: string;
  /** The saga's branches and parent, where somebody else than this service's rows knows them. */
  readonly known?: KnownOfSaga;
  readonly patience?: Patience;
  /** Who asked, written with the request. */
  readonly audited?: readonly NewAuditEntry[];
}

/** To be done in a transaction of the caller's, where one is given (the store's own client in it), or else while he waits. */
export interface Joining {
  readonly manager?: unknown;
  readonly patience?: Patience;
}

export interface SignalOptions extends Joining {
  /** Of a fan-out, the one that is meant. */
  readonly branch?: string;
}

/** A participant at work: takes records and starts, settles them in batches, publishes what they emit, repeats what failed. */
export class SagaService {
  private readonly relay: Relay;
  private readonly deliverer: Deliverer;
  private readonly batcher: Batcher<Delivery, Settled>;
  private readonly externals: Externals;
  private readonly logbook: Logbook;
  private readonly retries: Retries;
  private readonly timers: DueLoop<Timer>;
  private readonly parkedVersions: ParkedVersions;
  /** Where the service forgets what is settled. */
  readonly purge: Purge | undefined;

  /** What is being settled, and since when: a method that hangs, or a row that somebody keeps locked, shows here. */
  readonly batches: RunningBatches;
  /** What is told of steps that keep failing. */
  readonly failing: FailingSteps;

  constructor(readonly participant: Participant) {
    this.failing = new FailingSteps(participant);
    this.logbook = new Logbook(participant);
    this.batches = new RunningBatches(participant.clock);
    this.relay = new Relay(participant);
    this.deliverer = new Deliverer(participant, this.relay);
    this.batcher = new Batcher(
      (batch) => this.batches.run(() => this.deliverer.settle(batch)),
      participant.settings,
      participant.clock,
    );
    this.externals = new Externals(participant, this.submit);
    this.retries = new Retries(participant, this.submit);
    this.timers = timers(participant, this.submit);
    this.purge = participant.retention && new Purge(participant, participant.retention);
    this.parkedVersions = new ParkedVersions(participant, (audience, record) =>
      takeParked(participant, this.submit, audience, record),
    );
  }

  /** Settles one delivery; resolves when what follows from it is durable. What goes on after that is nobody's, whoever brings the delivery. */
  readonly submit = (delivery: Delivery): Promise<Settled> => inOwnContext(() => this.settle(delivery));

  private async settle(delivery: Delivery): Promise<Settled> {
    const settled = await this.batcher.add(delivery);
    this.goOn(delivery, settled);
    return settled;
  }

  /** What follows from a delivery once it is committed. */
  private goOn(delivery: Delivery, settled: Settled): void {
    const { type } = delivery.happening;
    if (type !== 'stillRunning' && type !== 'notBegun' && type !== 'operated')
      this.participant.tally.count(settled.verdict);
    this.failing.note(delivery, settled);
    this.logbook.write(delivery, settled);
    for (const event of settled.emitted) this.participant.mirror(event);
    if (settled.external) this.externals.start(delivery.bound, settled.row);
    else if (settled.row.dueIn !== undefined) this.retries.expect(settled.row.dueIn);
    if (settled.alsoDue) this.retries.expect(0);
    const moved = settled.verdict === 'handled' || settled.verdict === 'retried';
    const timer = moved ? earliestTimer(delivery.bound, settled.row.status) : undefined;
    if (timer !== undefined) this.timers.expect(timer);
  }

  /** How deliveries are settled for a caller: with the others, or in the transaction that is his. */
  private async submitFor({ manager, patience }: Joining): Promise<(delivery: Delivery) => Promise<Settled>> {
    if (manager === undefined && !patience) return this.submit;
    if (manager === undefined) return (delivery) => this.submit({ ...delivery, ...(patience && { patience }) });
    const callers = await this.joining(manager);
    return (delivery) => this.deliverer.settleIn(callers, delivery, (settled) => this.goOn(delivery, settled));
  }

  /** @throws SagaError `INVALID_MANAGER` */
  async joining(manager: unknown): Promise<CallersTransaction> {
    const { store, service } = this.participant;
    if (store.joining) return store.joining(manager);
    throw new SagaError(
      'INVALID_MANAGER',
      `Service "${service}" keeps its sagas in a store without transactions that can be joined; leave the manager out, or keep them in Postgres.`,
      { retriable: false },
    );
  }

  /** For somebody who waits for the answer: what is no step's doing is told in words. */
  private answering(submit: (delivery: Delivery) => Promise<Settled>): (delivery: Delivery) => Promise<Settled> {
    return (delivery) =>
      submit(delivery).catch((error: unknown) => {
        const { service } = this.participant;
        throw toldToCaller(error, service, { sagaId: delivery.sagaId, step: delivery.bound.node.name });
      });
  }

  /** Gives a step that waits for it its event. */
  async signal(
    sagaId: string,
    step: StepNode,
    event: object,
    { branch, ...joining }: SignalOptions = {},
  ): Promise<SignalAnswer> {
    const submit = this.answering(await this.submitFor(joining));
    const store = joining.manager ? await this.joining(joining.manager) : this.participant.store;
    const way = { submit, rows: (id: string) => store.find(id) };
    return signalStep(this.participant, way, { sagaId, step, event, ...(branch !== undefined && { branch }) });
  }

  async startSaga(
    saga: SagaGraph,
    input: unknown,
    options?: StartOptions & Joining,
    patience?: Patience,
  ): Promise<Started> {
    const submit = this.answering(await this.submitFor({ manager: options?.manager, ...(patience && { patience }) }));
    return startSaga(this.participant, submit, saga, input, options);
  }

  /**
   * Asks every participant to cancel what has not started; durable when it resolves, or with the transaction that it joins.
   *
   * @throws SagaError `BRANCHES_UNKNOWN`, retriable, for a saga with fan-outs whose source is not known to be done; `STORE_UNAVAILABLE`; FenceConflict when
   * the audit entry is there already
   */
  async publishAbort(
    { saga, sagaId, reason, known, patience, audited = [] }: AbortRequest,
    callers?: CallersTransaction,
  ): Promise<void> {
    const { chance, steps } = this.participant;
    const store = callers ?? this.participant.store;
    const headers = await headersForAbort(store, saga, sagaId, known);
    refuseOtherGraph(steps, headers);
    const event = abortEvent(this.participant, headers, { step: 'abort', reason });
    const staged = [{ id: chance.newId(), event }];
    const publishing = store.transaction([], async (transaction) => {
      patience?.go('saving');
      await transaction.save({ rows: [], staged, published: [], audited });
    });
    await publishing.catch((error: unknown) => {
      throw error instanceof StoreFailure ? toldToCaller(error, this.participant.service, { sagaId }) : error;
    });
    if (callers) callers.afterCommit(() => this.relay.hand(staged));
    else this.relay.hand(staged);
  }

  /**
   * Joins the consumer groups and begins to work; until then starts are accepted and wait in the outbox.
   *
   * @returns what it consumes
   */
  async start(): Promise<readonly Subscription[]> {
    await this.purge?.start();
    this.relay.start();
    this.retries.start();
    if (this.participant.steps.all().some(hasTimers)) this.timers.start();
    this.parkedVersions.start();
    const subscriptions = this.subscriptions();
    for (const subscription of subscriptions) await this.participant.transport.subscribe(subscription);
    return subscriptions;
  }

  /** Takes nothing new, finishes and publishes what is in hand. */
  async drain(): Promise<void> {
    await this.unhurried(this.participant.transport.drain());
    await this.parkedVersions.stop();
    await this.purge?.stop();
    await this.retries.stop();
    await this.timers.stop();
    await this.externals.stop();
    await this.unhurried(this.batcher.idle());
    await this.relay.stop();
  }

  /** A method that never returns holds a transaction, and with it the database connection, which nobody else can end in order. */
  private async unhurried(work: Promise<void>): Promise<void> {
    const { clock, logger, service, settings } = this.participant;
    if (!(await within(clock, settings.drainWithin, work)))
      logger.warn(
        `Service "${service}" still waits, after ${settings.drainWithin} ms, for a method of a step, compensation or listener that does not return. Give what it calls a timeout; ending the process is safe: its transaction is rolled back and attempted again.`,
      );
    await work;
  }

  private subscriptions(): readonly Subscription[] {
    const { steps, service, topics } = this.participant;
    const group = (audience: Audience, name: string, sagas: readonly SagaGraph[]): readonly Subscription[] => {
      const heard = [...new Set(sagas.flatMap((saga) => [...topics.ofSaga(saga), ...this.outsideTopics(saga)]))];
      if (heard.length === 0) return [];
      return [
        {
          group: topics.group(name),
          topics: heard,
          handle: (records) => receive(this.participant, this.submit, audience, records),
        },
      ];
    };
    const sagasOf = (listening: boolean): readonly SagaGraph[] => [
      ...new Set(
        steps
          .all()
          .filter((step) => (step.hears !== undefined) === listening)
          .map((step) => step.saga),
      ),
    ];
    return [...group('steps', service, sagasOf(false)), ...group('listeners', `${service}.listeners`, sagasOf(true))];
  }

  private outsideTopics(saga: SagaGraph): readonly string[] {
    const { steps, topics } = this.participant;
    return steps.outsideSources.filter((source) => source.saga === saga).map(({ on }) => topics.outside(on.type));
  }
}

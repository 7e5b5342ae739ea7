import { Inject, Injectable, Logger } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { getDataSourceToken } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { eventType, type EventInstance } from '../definition/domain-event.js';
import type { SagaGraph } from '../definition/saga-definition.js';
import { SagaError } from '../protocol/errors.js';
import { reasonOf } from '../protocol/reason.js';
import { topicsNamed, type Topics } from '../protocol/topics.js';
import { systemChance, systemClock } from '../adapters/system/system-clock.js';
import { storeThrough } from '../adapters/typeorm/missing-tables.js';
import { upgradedFromKeysAt } from '../adapters/typeorm/migrations.js';
import type { Tables } from '../adapters/typeorm/tables.js';
import { TypeOrmStore } from '../adapters/typeorm/typeorm-store.js';
import type { BoundStep } from '../flow/bound-step.js';
import type { Announcer } from '../flow/fleet/announcer.js';
import { BoundSteps } from '../flow/bound-steps.js';
import { defaultSettings, type Logger as FlowLogger } from '../flow/participant.js';
import { retentionOf } from '../flow/retention/retention.js';
import { SagaService } from '../flow/service.js';
import { OutsideEvents } from '../flow/outside-events.js';
import { startFromEvent } from '../flow/start-from-event.js';
import { Tally } from '../flow/tally.js';
import { Outage } from '../ports/outage.js';
import type { StepStore } from '../ports/step-store.js';
import type { Subscription, Transport } from '../ports/transport.js';
import { JoiningState } from './joining-state.js';
import { bindHandlers, knownSagas } from './binding.js';
import { refuseInsideStep } from './current-step.js';
import { CircuitBreakers } from './circuit-breakers.js';
import { EventBusBridge } from './event-bus-bridge.js';
import { SagaExplorer } from './explorer.js';
import { SagaInvocation } from './invocation.js';
import { SagaTables } from './saga-tables.js';
import { onceCommitted } from './joining.js';
import { SAGA_OPTIONS } from './saga.module-definition.js';
import type { SagaModuleOptions } from './saga.options.js';
import { halfHeard } from './half-heard.js';
import { handlerLine } from './handler-line.js';
import { optionViolations, transportViolations } from './option-checks.js';
import { idleOutsideViolations } from './outside-checks.js';
import { lanesFor, poolViolations } from './pool-checks.js';
import { announcerOf, noStepsLine } from './announcing.js';
import { InvalidSagaSetup, setupViolations } from './setup-checks.js';

/** A service begins to work after so long, whoever has been heard, ms. */
const lookPatience = 4_000;
const leavePatience = 2_000;

/** The one place where adapters meet the flow: builds the service's participant from what the application declares. */
@Injectable()
export class SagaRuntime {
  private readonly logger = new Logger('SagaModule');
  readonly transport: Transport;
  readonly topics: Topics;
  readonly circuits: CircuitBreakers;
  private prepared: Promise<void> | undefined;
  private sagaTables: SagaTables | undefined;
  private steps: readonly BoundStep[] = [];
  /** Absent until the application is initialized. */
  built: SagaService | undefined;
  private announcer: Announcer | undefined;
  private looked: Promise<void> | undefined;
  private isDrained = false;
  readonly joining = new JoiningState();
  private known: readonly SagaGraph[] = [];
  private readonly others: Subscription[] = [];

  constructor(
    @Inject(SAGA_OPTIONS) readonly options: SagaModuleOptions,
    private readonly moduleRef: ModuleRef,
    private readonly explorer: SagaExplorer,
    private readonly invocation: SagaInvocation,
    private readonly bridge: EventBusBridge,
  ) {
    refuse(optionViolations(options ?? {}), reasonOf(options?.service));
    this.circuits = new CircuitBreakers(options.circuit, systemClock, this.logger);
    this.topics = topicsNamed(options.topics ?? 'perSaga', options.prefix);
    this.transport = options.transport({ service: options.service, logger: this.flowLogger() });
    refuse(transportViolations(this.transport), options.service);
  }

  /** Checks the setup, prepares the tables, binds the steps. Once, however often Nest runs its hooks. */
  prepare(): Promise<void> {
    this.prepared ??= this.build();
    return this.prepared;
  }

  get service(): SagaService {
    if (this.built) return this.built;
    throw new SagaError(
      'NOT_READY',
      'Sagas are ready once the application has been initialized; call app.init() or app.listen() first.',
    );
  }

  /** All definitions that this service has to do with. */
  get sagas(): readonly SagaGraph[] {
    return this.known;
  }

  /** Has a subscription beside the service's own join when the service starts. */
  alsoConsume(subscription: Subscription): void {
    if (!this.others.some(({ group }) => group === subscription.group)) this.others.push(subscription);
  }

  /**
   * Waits, for a moment, until the service has heard who else is there.
   *
   * @throws SagaError `SERVICE_NAME_TAKEN`
   */
  async look(): Promise<void> {
    await this.looked;
  }

  start(): Promise<void> {
    return this.joining.of(() => this.join());
  }

  private async join(): Promise<void> {
    await this.look();
    const own = await this.service.start();
    for (const subscription of this.others) await this.transport.subscribe(subscription);
    const groups = [...own, ...this.others].map(({ group, topics }) => `${topics.join(', ')} as group "${group}"`);
    if (groups.length > 0) this.logger.log(`Consumes ${groups.join('; ')}.`);
  }

  /** @throws SagaError `NO_DATA_SOURCE` */
  dataSource(): DataSource {
    const dataSource = this.findDataSource();
    if (dataSource) return dataSource;
    throw new SagaError('NO_DATA_SOURCE', `Service "${this.options.service}": ${this.dataSourceViolations()[0]}.`);
  }

  /** Where the library's tables are. */
  tables(): Tables {
    return this.ownTables().names;
  }

  /** Runs what needs the library's tables, which are made again where they were dropped and may be. */
  withTables<T>(work: () => Promise<T>): Promise<T> {
    return this.ownTables().with(work);
  }

  /**
   * Finds the library's tables, creates or upgrades them, unless the application does so itself, and sees that they are this service's.
   *
   * @throws InvalidSagaSetup when they are not, or the application does so itself and has not
   */
  async prepareTables(): Promise<void> {
    const steps = this.steps.map(({ saga, node }) => ({ saga: saga.name, step: node.name }));
    await this.ownTables().prepare({ service: this.options.service, steps });
  }

  private ownTables(): SagaTables {
    this.sagaTables ??= new SagaTables(
      {
        options: this.options,
        transport: this.transport,
        topics: this.topics,
        logger: this.logger,
        clock: systemClock,
      },
      this.dataSource(),
    );
    return this.sagaTables;
  }

  /** Stops to consume, finishes what is in hand and publishes it. */
  async drain(): Promise<void> {
    this.isDrained = true;
    await Promise.all([this.built?.drain(), this.announcer?.stop(leavePatience)]);
  }

  private async build(): Promise<void> {
    const { options, transport, topics } = this;
    const handlers = this.explorer.find();
    this.known = knownSagas(handlers, options.sagas);
    const violations = [
      ...this.moduleViolations(),
      ...setupViolations(handlers, this.known, topics),
      ...(options.store ? [] : this.dataSourceViolations()),
    ];
    refuse(violations, options.service);
    const steps = bindHandlers(handlers, this.known, this.invocation, this.circuits, options);
    this.steps = steps;
    for (const handler of handlers) this.logger.log(handlerLine(handler));
    for (const line of halfHeard(handlers, this.known)) this.logger.warn(line);
    const retention = options.retention && retentionOf(options.retention);
    const bound = new BoundSteps(steps, this.known, retention, options.acceptsGraphs);
    refuse(idleOutsideViolations(options.outside, bound), options.service);
    this.announcer = announcerOf(this, bound, this.logger);
    if (handlers.length === 0) this.logger.warn(noStepsLine(options.service));
    this.built = new SagaService({
      service: options.service,
      steps: bound,
      ...(this.announcer && { announcer: this.announcer }),
      store: await this.openStore(),
      outside: new OutsideEvents(options.outside, await this.keyedUntil()),
      transport,
      topics,
      clock: systemClock,
      chance: systemChance,
      logger: this.flowLogger(),
      outage: new Outage('the database', this.logger, () => systemClock.now()),
      settings: {
        ...defaultSettings,
        ...(!options.store && { lanes: lanesFor(this.dataSource()) }),
        ...options.settings,
      },
      tally: new Tally(),
      mirror: (event) => this.bridge.mirror(event),
      ...(retention && { retention }),
    });
    this.attachToBus();
    if (this.isDrained) return; // closed while it was started
    this.looked = this.announcer?.start(lookPatience);
    this.looked?.catch(() => undefined); // whoever waits for it is told
  }

  private flowLogger(): FlowLogger {
    const { logger, options } = this;
    const told = (level: 'log' | 'warn' | 'error') => (line: string) => logger[level](line);
    const debug = (line: string): void => logger.debug(line);
    return { log: told('log'), warn: told('warn'), error: told('error'), ...(options.debug && { debug }) };
  }

  private async openStore(): Promise<StepStore> {
    const { store } = this.options;
    if (store) return store({ moduleRef: this.moduleRef, clock: systemClock });
    await this.prepareTables();
    const opened = new TypeOrmStore(this.dataSource(), this.tables(), this.logger);
    return storeThrough(opened, (work) => this.withTables(work));
  }

  /** A rolling upgrade is over a week after its first replica upgraded the tables. */
  private async keyedUntil(): Promise<number | undefined> {
    const upgraded = this.options.store ? undefined : await upgradedFromKeysAt(this.dataSource(), this.tables());
    return upgraded && upgraded.getTime() + 7 * 86_400_000;
  }

  private findDataSource(): DataSource | undefined {
    try {
      return this.moduleRef.get<DataSource>(getDataSourceToken(this.options.dataSource), { strict: false });
    } catch {
      return undefined;
    }
  }

  private dataSourceViolations(): readonly string[] {
    const name = this.options.dataSource;
    const which = name === undefined ? 'default TypeORM DataSource' : `TypeORM DataSource named "${name}"`;
    const dataSource = this.findDataSource();
    if (!dataSource)
      return [`there is no ${which}; import TypeOrmModule.forRoot(...), or name another with the option dataSource`];
    const { type } = dataSource.options;
    if (type !== 'postgres') return [`the ${which} is of type "${type}"; sagas live in Postgres`];
    const uninitialized = `the ${which} is not initialized; leave out manualInitialization, or call its initialize() before the application's init() or listen()`;
    const pool = poolViolations(dataSource, this.options.settings?.lanes).map(
      (violation) => `the ${which}: ${violation}`,
    );
    return dataSource.isInitialized ? pool : [uninitialized];
  }

  private moduleViolations(): readonly string[] {
    const services = this.explorer.instancesOf<SagaRuntime>(SagaRuntime).map(({ options }) => `"${options.service}"`);
    if (services.length === 1) return [];
    return [
      `SagaModule is imported ${services.length} times (for ${services.join(', ')}); one application is one service: import it once, in the root module`,
    ];
  }

  /** Takes its place on the event bus; again when the application has started, because it may have set a publisher of its own meanwhile. */
  attachToBus(): void {
    this.bridge.attach((event) => this.startBy(event));
  }

  /** An event on the local bus starts every saga whose definition names it. Nobody waits for it there, so a failure is only told. Inside a transaction of the application's, it starts them once that is committed. */
  private startBy(event: object): void {
    const type = eventType in event ? String(event[eventType]) : undefined;
    const { participant, submit } = this.service;
    const identity = systemChance.newId();
    for (const { saga, on } of participant.steps.outsideSources) {
      if (on.type !== type) continue;
      refuseInsideStep(saga.name);
      onceCommitted(this, () => {
        startFromEvent(participant, submit, saga, { identity, instance: event as EventInstance }).catch(
          (error: unknown) => {
            this.logger.error(`Saga "${saga.name}" was not started by "${type}": ${reasonOf(error)}`);
          },
        );
      });
    }
  }
}

function refuse(violations: readonly string[], service: string): void {
  if (violations.length > 0) throw new InvalidSagaSetup(service, violations);
}

import type { ModuleRef } from '@nestjs/core';
import type { SagaGraph, StepNode } from '../definition/saga-definition.js';
import type { RetryPolicy } from '../protocol/retry.js';
import type { TopicNaming } from '../protocol/topics.js';
import type { OutsideSettings } from '../flow/outside-record.js';
import type { FlowSettings } from '../flow/participant.js';
import type { Retention } from '../flow/retention/retention.js';
import type { Clock } from '../ports/clock.js';
import type { StepStore } from '../ports/step-store.js';
import type { TransportFactory } from '../ports/transport.js';
import type { CircuitSetting } from './circuit-breakers.js';
import type { TransactionSetting } from './decorators.js';

/** Times in ms. `keep` is how long; by default `margin` is a day, `history` is `keep`, and every 10 minutes up to 500 rows at once are deleted until none is left to go. */
export type RetentionOptions = Pick<Retention, 'keep'> & Partial<Retention>;

export interface SagaModuleOptions {
  /** The service's name: its consumer group and the source of its events. */
  readonly service: string;
  /** `kafka({ brokers })`, or one `inMemory()` shared by the apps of a process. */
  readonly transport: TransportFactory;
  /** Default: one topic per saga. */
  readonly topics?: TopicNaming;
  /** Put before every topic and consumer group (`test.`). */
  readonly prefix?: string;
  /** The name of the TypeORM DataSource that holds the service's data; default: the default one. */
  readonly dataSource?: string;
  /** `automatic` (default) creates and upgrades the library's tables at start; with `manual`, call `migrateSagaTables` in your own deployment. */
  readonly migrations?: 'automatic' | 'manual';
  /**
   * What becomes of a service whose tables are gone or emptied although its consumer group has consumed: `refuse` (default) neither starts nor goes on, because what
   * comes again would be done again; `makeAgain` makes them anew, for tests and for environments that are reset.
   */
  readonly lostTables?: 'refuse' | 'makeAgain';
  /** Definitions that this service listens to or tracks without implementing a step of them. */
  readonly sagas?: readonly SagaGraph[];
  /**
   * Fingerprints of graphs, as `1:9f86d081884c7d65`, that are taken for the one that this service has of their saga and version: the way out after a definition
   * went live by mistake and sagas began with it. Default: none.
   */
  readonly acceptsGraphs?: readonly string[];
  /** Steps that are being moved to another service (`[Order.steps.charge]`): once that has them, nothing new is begun here, and what was begun here is brought to its end. */
  readonly handsOver?: readonly StepNode[];
  /** Names of services that are gone for good, as after a renaming: this one takes the steps that they had. */
  readonly takesOver?: readonly string[];
  /**
   * What differs from the default policies, for steps, compensations and listeners that say nothing else; times in ms. Default: a step that may be
   * refused is attempted for about a minute, a compensation for about an hour; retriable steps and listeners are never given up.
   */
  readonly retry?: Partial<RetryPolicy>;
  /** When a step or a compensation that keeps failing over all sagas is left alone for a while. Default: after 10 failures in a row, for 10 s; or `off`. */
  readonly circuit?: CircuitSetting;
  /** `own`: every step, compensation and listener that says nothing else has a transaction of its own. Default: `shared`, by up to `settings.batchSize` of different sagas. */
  readonly transaction?: TransactionSetting;
  /** Default: 4 lanes of up to 50 events per transaction. */
  readonly settings?: Partial<FlowSettings>;
  /** By type of an outside event that starts sagas here: what tells its records apart, and how they are read where they are no plain JSON. */
  readonly outside?: OutsideSettings;
  /** Forgets settled sagas, and what the tracker knows of them; default: never. The service refuses to start when its topics would remember longer. */
  readonly retention?: RetentionOptions;
  /** `bootstrap` (default) begins to consume when the application has started; `manual` leaves it to `connectMicroservice({ strategy: app.get(SagaServer) })`. */
  readonly consume?: 'bootstrap' | 'manual';
  /** Logs a line of level `debug` for everything that happens to a step, with its saga and attempt. Default: false. */
  readonly debug?: boolean;
  /**
   * Whether guards, interceptors and exception filters of the whole application (`app.useGlobalGuards`, `APP_GUARD` ...) concern steps, compensations,
   * resolutions and listeners too; default: false, they are for requests. Those that are bound to a class or a method always do, global pipes never.
   */
  readonly globalEnhancers?: boolean;
  /** Another store than TypeORM's Postgres: for tests. */
  readonly store?: (context: { readonly moduleRef: ModuleRef; readonly clock: Clock }) => StepStore;
}

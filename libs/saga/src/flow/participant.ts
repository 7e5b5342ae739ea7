import type { Topics } from '../protocol/topics.js';
import type { Envelope } from '../protocol/envelope.js';
import type { Chance, Clock } from '../ports/clock.js';
import type { Outage } from '../ports/outage.js';
import type { StepStore } from '../ports/step-store.js';
import type { Transport } from '../ports/transport.js';
import type { Announcer } from './fleet/announcer.js';
import type { BoundSteps } from './bound-steps.js';
import type { OutsideEvents } from './outside-events.js';
import type { Retention } from './retention/retention.js';
import type { Tally } from './tally.js';

export interface Logger {
  log(message: string): void;
  warn(message: string): void;
  error(message: string): void;
  /** Told of each delivery, where it is wanted. */
  debug?(message: string): void;
}

export interface FlowSettings {
  /** Batches that are settled at once, each on a database connection of its own. */
  readonly lanes: number;
  /** Events per transaction, at most. */
  readonly batchSize: number;
  /** How long an attempt that nobody reports on is left alone before it is made again, ms. */
  readonly lease: number;
  /** How often the outbox is swept for messages that were never published, ms. */
  readonly sweepEvery: number;
  /** The largest event, and the largest input of a start, as JSON in bytes. What the transport takes must be larger: key and headers come on top. */
  readonly maxEventBytes: number;
  /** How long a service that stops waits for methods of external steps, ms; one that returns later is as one whose process died. */
  readonly drainWithin: number;
  /** How long a step or a compensation fails before somebody is alerted by an ERROR in the log, ms; health lists it from its first failure. */
  readonly alertAfter: number;
}

export const defaultSettings: FlowSettings = {
  lanes: 4,
  batchSize: 50,
  lease: 30_000,
  sweepEvery: 5_000,
  maxEventBytes: 900_000,
  drainWithin: 20_000,
  alertAfter: 120_000,
};

/** A service that takes part in sagas: its steps and all that they need. */
export interface Participant {
  readonly service: string;
  readonly steps: BoundSteps;
  readonly store: StepStore;
  readonly transport: Transport;
  readonly topics: Topics;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly logger: Logger;
  /** Of its database, as all that need it tell. */
  readonly outage: Outage;
  readonly settings: FlowSettings;
  readonly tally: Tally;
  /** What the application says of outside events. */
  readonly outside: OutsideEvents;
  /** How long what is settled is kept; for good where it is left out. */
  readonly retention?: Retention;
  /** What the services have told each other; absent where the transport has no board. */
  readonly announcer?: Pick<Announcer, 'fleet' | 'beginning'>;
  /** Told of every saga event that was consumed or emitted, after its commit. Best effort: must not throw. */
  readonly mirror: (event: Envelope) => void;
}

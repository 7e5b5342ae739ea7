import { hostname } from 'node:os';
import { relative } from 'node:path';
import type { SagaGraph } from '../definition/saga-definition.js';
import { placeKey } from '../protocol/announcement.js';
import type { Topics } from '../protocol/topics.js';
import { systemChance, systemClock } from '../adapters/system/system-clock.js';
import type { BoundSteps } from '../flow/bound-steps.js';
import { Announcer } from '../flow/fleet/announcer.js';
import type { Logger } from '../flow/participant.js';
import type { Transport } from '../ports/transport.js';
import type { SagaModuleOptions } from './saga.options.js';

interface Announced {
  readonly options: SagaModuleOptions;
  readonly transport: Transport;
  readonly topics: Topics;
  readonly sagas: readonly SagaGraph[];
}

/** Tells others what this service has; nothing where the transport has no board. */
export function announcerOf(
  { options, transport, topics, sagas }: Announced,
  steps: BoundSteps,
  logger: Logger,
): Announcer | undefined {
  if (!transport.board) return undefined;
  const { service, handsOver = [], takesOver = [] } = options;
  return new Announcer(
    { service, steps, clock: systemClock, chance: systemChance, logger },
    {
      board: transport.board,
      name: topics.announcements,
      program: programName(),
      sagas,
      handsOver: handsOver.map(({ saga, version, name: step }) => placeKey({ saga, version, step })),
      takesOver,
    },
  );
}

/** What this process is, for people who look for it. */
function programName(): string {
  const script = process.argv[1] === undefined ? 'node' : relative(process.cwd(), process.argv[1]);
  return `${script} on ${hostname()}, process ${process.pid}`;
}

export function noStepsLine(service: string): string {
  return `Service "${service}" imports SagaModule, but none of its providers and controllers has a method with @SagaStep or @OnSagaEvent: it takes part in no saga. Provide the classes that have them in its modules.`;
}

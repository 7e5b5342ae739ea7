import type { SagaGraph, StepNode } from '../definition/saga-definition.js';
import type { Outcome } from '../protocol/outcome.js';

export interface HeardEvent {
  readonly saga: SagaGraph;
  readonly step: StepNode;
  readonly outcome: Outcome;
}

/** Where in the sagas an event of this type is emitted. */
export function heardIn(sagas: readonly SagaGraph[], type: string): readonly HeardEvent[] {
  return sagas.flatMap((saga) =>
    Object.values(saga.steps).flatMap((step) =>
      outcomesNamed(step, type).map((outcome): HeardEvent => ({ saga, step, outcome })),
    ),
  );
}

function outcomesNamed({ events }: StepNode, type: string): readonly Outcome[] {
  const { defaults, done, cancelled } = events;
  const classes = {
    done: [done],
    rejected: [events.rejected, defaults.rejected],
    compensated: [events.compensated, defaults.compensated],
    cancelled: [cancelled],
  };
  return (['done', 'rejected', 'compensated', 'cancelled'] as const).filter((outcome) =>
    classes[outcome].some((eventClass) => eventClass.type === type),
  );
}

import { named, type Handlers } from './step-handlers.js';

/** A method that says what came of a step is of use only beside the step, and where the database does not know it. */
export function resolutionViolations(steps: Handlers, resolutions: Handlers): readonly string[] {
  return [...resolutions].flatMap(([step, handlers]) =>
    handlers.flatMap(({ label }) => {
      if (!step.external) {
        return [
          `${label} resolves ${named(step)}, which works in the database, where its outcome is always known; declare the step with effect: 'external', or remove the method`,
        ];
      }
      if (steps.has(step)) return [];
      return [`${label} resolves ${named(step)}, whose @SagaStep is not in this service; move both into one service`];
    }),
  );
}

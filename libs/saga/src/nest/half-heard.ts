import type { SagaGraph } from '../definition/saga-definition.js';
import type { FoundHandler } from './explorer.js';
import { heardIn } from './heard-events.js';

const closings = ['rejected', 'compensated'] as const;

/** Which listeners hear only what methods returned of a closing, where the library can make it too; and what to write. */
export function halfHeard(handlers: readonly FoundHandler[], sagas: readonly SagaGraph[]): readonly string[] {
  const heard = new Set(
    handlers.map(({ metadata }) => (metadata.kind === 'listener' ? metadata.event?.type : undefined)),
  );
  return handlers.flatMap(({ label, metadata }) => {
    if (metadata.kind !== 'listener' || !metadata.event) return [];
    const { type } = metadata.event;
    return heardIn(sagas, type).flatMap(({ saga, step, outcome }) =>
      closings.flatMap((closing): readonly string[] => {
        const { [closing]: own, defaults } = step.events;
        if (outcome !== closing || own.type !== type || heard.has(defaults[closing].type)) return [];
        return [
          `${label} hears "${type}" only where a method returned it; where the library itself ends step "${step.name}" of saga "${saga.name}" (attempts used up, a deadline, StepRejected, an operator's word), the event is "${defaults[closing].type}" with { failedStep, reason }. To hear it too, listen to <definition>.steps.${step.name}.events.defaults.${closing}, with the same method or another.`,
        ];
      }),
    );
  });
}

import type { BoundStep } from '../bound-step.js';
import type { BoundSteps, SagaVersion } from '../bound-steps.js';
import type { Delivery } from '../delivery.js';
import { UnknownVersion, versionsOf } from './unknown-version.js';

type Place = Pick<Delivery, 'headers'> & { readonly bound: BoundStep };

/**
 * The saga around a nested one, where this process does not know it. It then cannot move the step that the nested one is, so it may not
 * move the first step inside or the commit step either: their rows move together, or never.
 */
export function unknownAround(steps: BoundSteps, { bound, headers: { parent } }: Place): SagaVersion | undefined {
  if (!parent || bound.hears || steps.saga(parent.sagaType, parent.sagaVersion)) return undefined;
  const { node, saga } = bound;
  if (node.name !== saga.source && node.name !== saga.commitPoint) return undefined;
  return { name: parent.sagaType, version: parent.sagaVersion };
}

/** @throws UnknownVersion of the saga around: whoever knows it takes the event, whole */
export function refuseUnknownAround(steps: BoundSteps, deliveries: readonly Delivery[]): void {
  for (const delivery of deliveries) {
    const around = unknownAround(steps, delivery);
    if (around) throw new UnknownVersion(around.name, around.version, versionsOf(steps, around.name));
  }
}

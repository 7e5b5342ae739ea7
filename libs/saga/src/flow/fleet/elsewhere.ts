import { SagaError } from '../../protocol/errors.js';
import type { BoundStep } from '../bound-step.js';
import type { Participant } from '../participant.js';
import { placeOf } from './fleet.js';

/** @throws SagaError `STEP_OWNED_ELSEWHERE` for the source of a saga that another service announced first */
export function refuseElsewhere(
  { announcer, service }: Pick<Participant, 'announcer' | 'service'>,
  bound: BoundStep,
): void {
  if (!announcer?.fleet.isElsewhere(bound)) return;
  const { saga, node } = bound;
  const owner = announcer.fleet.owner(placeOf(bound))!.service;
  throw new SagaError(
    'STEP_OWNED_ELSEWHERE',
    `Saga "${saga.name}" version ${saga.version} is not started by service "${service}": its first step "${node.name}" is run by service "${owner}", which announced it first. Start it there, or take the step out of one of the two.`,
    { step: node.name, retriable: false },
  );
}

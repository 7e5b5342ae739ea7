import { commitStep } from '../../definition/nested.js';
import type { FenceRow } from '../../ports/fence-row.js';
import type { BoundStep } from '../bound-step.js';
import type { Decision } from './decide-operation.js';
import { childId } from '../nested/linked-rows.js';
import type { Operation } from './operation.js';
import type { Participant } from '../participant.js';

/**
 * Words that one of two sagas, one inside the other, has to be spared: said of its link to the other, they would leave the two with different ends.
 *
 * @returns nothing for a word that may be decided by the row
 */
export function refusedByNesting(
  ground: Pick<Participant, 'chance'>,
  { node }: BoundStep,
  { sagaId, status, dueIn, headers }: FenceRow,
  { verb }: Operation,
): Decision | undefined {
  if (node.nested) {
    const inside = `saga ${childId(ground, sagaId, node.name)}`;
    if (status === 'running' && dueIn === undefined)
      return refused(`${inside} is under way inside it and decides: speak of the steps of that one, or abort this one`);
    if (verb === 'redrive' && (status === 'deadLettered' || status === 'compensating'))
      return refused(`${inside} inside it is being undone: redrive the dead letter in that one`);
  }
  if (node.name === commitStep && headers.parent && status === 'running')
    return refused(`the pivot of saga ${headers.parent.sagaId} around it decides: abort one of the two, or wait`);
  return undefined;
}

function refused(because: string): Decision {
  return { verdict: 'refused', because };
}

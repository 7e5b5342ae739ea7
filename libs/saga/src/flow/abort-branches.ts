import type { SagaGraph } from '../definition/saga-definition.js';
import type { Branches } from '../protocol/branches.js';
import { SagaError } from '../protocol/errors.js';
import type { StepStore } from '../ports/step-store.js';

/**
 * The branches that a request to abort must name: who closes needs to know whom to tell. Nothing for a saga without fan-outs.
 *
 * @throws SagaError `BRANCHES_UNKNOWN`, retriable: the source, which names them, is not known to be done
 */
export async function branchesForAbort(
  store: Pick<StepStore, 'find'>,
  saga: SagaGraph,
  sagaId: string,
  known?: Branches,
): Promise<Branches | undefined> {
  if (saga.fanOuts.length === 0) return undefined;
  const branches = known ?? (await store.find(sagaId)).find(({ headers }) => headers.branches)?.headers.branches;
  if (branches) return branches;
  throw new SagaError(
    'BRANCHES_UNKNOWN',
    `Saga ${sagaId} cannot be aborted yet: its step "${saga.source}", which names its branches, is not known to be done. Ask again.`,
    { sagaId, retriable: true },
  );
}

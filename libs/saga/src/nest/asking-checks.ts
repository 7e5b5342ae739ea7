import { isSaga, sagaOf } from '../definition/define-saga.js';
import type { StepNode } from '../definition/saga-definition.js';
import { isBranchName } from '../protocol/branches.js';
import { SagaError } from '../protocol/errors.js';
import { shortened } from '../protocol/reason.js';
import { isUuid } from '../protocol/uuid.js';

/** @throws SagaError `NO_DEFINITION` for what `defineSaga` has not made */
export function refuseNoDefinition(saga: unknown): void {
  if (isSaga(saga)) return;
  throw new SagaError(
    'NO_DEFINITION',
    `What is to be started is no saga definition but ${saga === null ? 'null' : typeof saga}; give start a definition made with defineSaga, such as TaskAssignment.`,
    { retriable: false },
  );
}

/** @throws SagaError `NO_STEP` for what is no step of a definition */
export function refuseNoStep(step: StepNode): void {
  if (sagaOf(step)) return;
  throw new SagaError(
    'NO_STEP',
    `What is to be signaled is no step of a saga but ${step === null ? 'null' : typeof step}; give a step of a definition, such as TaskAssignment.steps.approve.`,
    { retriable: false },
  );
}

/** @throws SagaError `INVALID_TIMEOUT` for what is no time to wait: with it, the wait might never end */
export function checkedTimeout(timeout: unknown): number {
  if (typeof timeout === 'number' && timeout >= 0) return timeout;
  throw new SagaError(
    'INVALID_TIMEOUT',
    'A wait for a saga needs an end; give it { timeout } in milliseconds, 0 or more.',
    { retriable: false },
  );
}

/** @throws SagaError `INVALID_REASON` when nobody could be told why */
export function checkedReason(reason: unknown): string {
  if (typeof reason === 'string' && reason.trim() !== '') return shortened(reason);
  throw new SagaError(
    'INVALID_REASON',
    'A request to abort needs a reason, as a text: whoever undoes a step is told of it.',
    { retriable: false },
  );
}

/** @throws SagaError `INVALID_SAGA_ID` for what is no id of a saga */
export function checkedSagaId(sagaId: unknown): string {
  if (typeof sagaId === 'string' && isUuid(sagaId)) return sagaId.toLowerCase();
  throw new SagaError(
    'INVALID_SAGA_ID',
    `${quotedId(sagaId)} is no saga id; give the one that the start answered with.`,
    {
      retriable: false,
    },
  );
}

/** @throws SagaError `INVALID_SIGNAL` for what is no name of a branch */
export function checkedBranch(branch: unknown): string {
  if (isBranchName(branch)) return branch;
  const said = typeof branch === 'string' ? JSON.stringify(shortened(branch, 100)) : typeof branch;
  throw new SagaError(
    'INVALID_SIGNAL',
    `${said} is no name of a branch; give one of those that the step's each answered with.`,
    { retriable: false },
  );
}

/** Whatever was given for the id of a saga, in a message. */
export function quotedId(sagaId: unknown): string {
  const text = typeof sagaId === 'string' ? shortened(sagaId, 100) : typeof sagaId;
  return isUuid(sagaId) ? text : `"${text}"`;
}

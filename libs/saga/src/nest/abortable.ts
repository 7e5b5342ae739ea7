import type { ModuleRef } from '@nestjs/core';
import { SagaError } from '../protocol/errors.js';
import { isUuid } from '../protocol/uuid.js';
import type { Abortable } from '../flow/operate/operate-abort.js';
import type { SagaService } from '../flow/service.js';
import type { FenceRow } from '../ports/fence-row.js';
import type { StepStore } from '../ports/step-store.js';
import { SagaTracker } from '../tracker/saga-tracker.js';
import { quotedId } from './asking-checks.js';
import type { SagaRuntime } from './runtime.js';

/** The application's tracker, if it has one. */
export function trackerIn(moduleRef: ModuleRef): SagaTracker | undefined {
  try {
    return moduleRef.get(SagaTracker, { strict: false });
  } catch {
    return undefined;
  }
}

/** @throws SagaError `SAGA_NOT_FOUND` when neither a row of this service nor the tracker knows the saga */
export async function findAbortable(
  { service, sagas }: SagaRuntime,
  tracker: SagaTracker | undefined,
  sagaId: string,
  store: Pick<StepStore, 'find'> = service.participant.store,
): Promise<Abortable> {
  const rows = isUuid(sagaId) ? await store.find(sagaId) : [];
  const tracked = await tracker?.find(sagaId);
  const name = rows[0]?.headers.sagaType ?? tracked?.saga;
  const version = rows[0]?.headers.sagaVersion ?? tracked?.version;
  const saga = sagas.find((candidate) => candidate.name === name && candidate.version === version);
  if (!saga)
    throw new SagaError(
      'SAGA_NOT_FOUND',
      `Service "${service.participant.service}" has no part in a saga ${quotedId(sagaId)}.`,
      {
        ...(isUuid(sagaId) && { sagaId }),
        retriable: false,
      },
    );
  const { commitPoint } = saga;
  const committed =
    tracked?.steps[commitPoint] === 'done' ||
    rows.some(
      (row) =>
        row.predecessorsDone.includes(commitPoint) ||
        (row.status === 'done' && (row.step === commitPoint || (row.settled === true && !isListeners(service, row)))),
    );
  const branches = rows.find(({ headers }) => headers.branches)?.headers.branches ?? tracked?.branches;
  const parent = rows.find(({ headers }) => headers.parent)?.headers.parent ?? tracked?.parent;
  const correlationId = tracked?.correlationId;
  const graph = tracked?.graph;
  const known = {
    ...(branches && { branches }),
    ...(parent && { parent }),
    ...(graph !== undefined && { graph }),
    ...(correlationId !== undefined && { correlationId }),
  };
  return { sagaId: sagaId.toLowerCase(), saga, committed, known };
}

/** A listener is settled when it has heard, whatever becomes of the saga. */
function isListeners({ participant }: SagaService, row: FenceRow): boolean {
  return participant.steps.ofRow(row)?.hears !== undefined;
}

import type { SagaGraph } from '../../definition/saga-definition.js';
import type { SagaHeaders } from '../../protocol/envelope.js';
import { SagaError } from '../../protocol/errors.js';
import type { StepStore } from '../../ports/step-store.js';

/** What somebody else than this service's rows may know of a saga that is to be aborted. */
export type KnownOfSaga = Partial<Pick<SagaHeaders, 'branches' | 'parent' | 'correlationId' | 'graph'>>;

/**
 * The headers of a request to abort: those of all events of the saga, as far as they are known here. It must name the branches, because who closes
 * needs to know whom to tell, and the parent, which is told when the saga has closed.
 *
 * @throws SagaError `BRANCHES_UNKNOWN`, retriable: the source, which names them, is not known to be done
 */
export async function headersForAbort(
  store: Pick<StepStore, 'find'>,
  saga: SagaGraph,
  sagaId: string,
  known: KnownOfSaga = {},
): Promise<SagaHeaders> {
  const rows = (await store.find(sagaId)).map(({ headers }) => headers);
  const branches = known.branches ?? rows.find((headers) => headers.branches)?.branches;
  const parent = known.parent ?? rows.find((headers) => headers.parent)?.parent;
  const graph = known.graph ?? rows.find((headers) => headers.graph)?.graph;
  if (saga.fanOuts.length > 0 && !branches)
    throw new SagaError(
      'BRANCHES_UNKNOWN',
      `Saga ${sagaId} cannot be aborted yet: its step "${saga.source}", which names its branches, is not known to be done. Ask again.`,
      { sagaId, retriable: true },
    );
  return {
    sagaId,
    sagaType: saga.name,
    sagaVersion: saga.version,
    correlationId: rows[0]?.correlationId ?? known.correlationId ?? sagaId,
    partitionKey: rows.find(({ partitionKey }) => partitionKey !== sagaId)?.partitionKey ?? sagaId,
    ...(graph !== undefined && { graph }),
    ...(branches && { branches }),
    ...(parent && { parent }),
  };
}

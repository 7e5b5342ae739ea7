import type { SagaHeaders } from '../../protocol/envelope.js';
import { SagaError } from '../../protocol/errors.js';
import type { BoundSteps } from '../bound-steps.js';
import type { Delivery } from '../delivery.js';
import type { Ledger } from '../ledger.js';
import { isLinked, linkedKeys } from '../nested/nested.js';
import type { Participant } from '../participant.js';

/** A saga that goes under a name and version that this process knows, but has another graph: what is done here by our graph would be out of its order. */
export class OtherGraph extends SagaError {
  constructor(
    readonly saga: Pick<SagaHeaders, 'sagaId' | 'sagaType' | 'sagaVersion'>,
    readonly graph: string,
    readonly why: string,
    step?: string,
  ) {
    super(
      'OTHER_GRAPH',
      `Saga ${saga.sagaId} cannot be moved by this process: ${why}. Ask a replica that has this graph; where it went live by mistake, name it in SagaModule.forRoot({ acceptsGraphs: ['${graph}'] }).`,
      { sagaId: saga.sagaId, ...(step !== undefined && { step }), retriable: true },
    );
    this.name = 'OtherGraph';
  }
}

/** @throws OtherGraph when the headers of a saga name another graph than the one that this process knows */
export function refuseOtherGraph(steps: BoundSteps, headers: SagaHeaders, step?: string): void {
  const { sagaType, sagaVersion, graph } = headers;
  const other = steps.otherGraph(sagaType, sagaVersion, graph);
  if (other) throw new OtherGraph(headers, graph!, other.why, step);
}

/**
 * Whoever delivers may not know the graph of the saga; its row does, and so do the rows that move with it. A start only finds what is there.
 *
 * @throws OtherGraph
 */
export function refuseRowsOfOtherGraphs(participant: Participant, delivery: Delivery, ledger: Ledger): void {
  const { happening, bound } = delivery;
  if (happening.type === 'signal' && happening.signal.type === 'started') return;
  refuseOtherGraph(participant.steps, ledger.rowOf(delivery).headers, bound.node.name);
  if (!isLinked(delivery)) return;
  for (const key of linkedKeys(participant, delivery)) {
    const row = ledger.find(key);
    if (row) refuseOtherGraph(participant.steps, row.headers, row.step);
  }
}

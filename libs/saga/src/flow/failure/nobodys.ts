import { SagaError } from '../../protocol/errors.js';
import { FenceConflict, StoreFailure } from '../../ports/step-store.js';
import type { Delivery } from '../delivery.js';

/** The database's own trouble, or somebody else's change: charged to no step. */
export function isNobodys(error: unknown): boolean {
  return error instanceof FenceConflict || error instanceof StoreFailure;
}

/** A commit of which nobody knows whether it was done. */
export function isUnanswered(error: unknown): boolean {
  return error instanceof StoreFailure && error.outcome === 'unknown';
}

/** A start whose row may be there already: it is looked for. */
export function maybeThere(delivery: Delivery): Delivery {
  const { happening } = delivery;
  if (happening.type !== 'signal' || happening.minted !== true) return delivery;
  return { ...delivery, happening: { ...happening, minted: false } };
}

/** The same in words, for whoever waits for an answer; any other error is told as it is. */
export function toldToCaller(
  error: unknown,
  service: string,
  { sagaId, step }: { readonly sagaId: string; readonly step?: string },
): unknown {
  const facts = { sagaId, ...(step !== undefined && { step }), retriable: true };
  if (!(error instanceof StoreFailure)) return error;
  const what = isUnanswered(error)
    ? `did not answer the commit, so nobody knows whether it was done: look saga ${sagaId} up, or ask again with the same key`
    : `failed (${error.phase}), nothing was done: ask again`;
  return new SagaError('STORE_UNAVAILABLE', `The database of service "${service}" ${what}.`, facts, { cause: error });
}

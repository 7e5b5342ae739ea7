import { untouched } from '../protocol/step-state.js';
import { fenceKey, type FenceKey, type FenceRow } from '../ports/fence-row.js';
import type { Delivery } from './delivery.js';

/** The fence rows of one transaction: as they were read, and as they shall be saved. */
export class Ledger {
  private readonly rows = new Map<string, FenceRow>();
  private readonly touched = new Set<string>();

  constructor(read: readonly FenceRow[]) {
    for (const row of read) this.rows.set(fenceKey(row), row);
  }

  /** The row of a delivery's step, or the one that it would begin. */
  rowOf(delivery: Delivery): FenceRow {
    return this.rows.get(fenceKey(keyOf(delivery))) ?? newRow(delivery);
  }

  put(row: FenceRow): void {
    const key = fenceKey(row);
    this.rows.set(key, row);
    this.touched.add(key);
  }

  changed(): readonly FenceRow[] {
    return [...this.touched].map((key) => this.rows.get(key)!);
  }
}

export function keyOf(delivery: Delivery): FenceKey {
  return { sagaId: delivery.sagaId, step: delivery.bound.node.name };
}

function newRow(delivery: Delivery): FenceRow {
  const { sagaId, bound, headers } = delivery;
  const { status, predecessorsDone, successorsClosed } = untouched;
  const step = bound.node.name;
  return { sagaId, step, status, predecessorsDone, successorsClosed, headers, inputs: {}, attempts: 0, version: 0 };
}

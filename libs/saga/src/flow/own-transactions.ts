import type { Run } from '../protocol/step-state.js';
import type { BoundStep } from './bound-step.js';
import type { Delivery } from './delivery.js';

/** The methods that have a transaction of their own: those that say so, and those that were seen to change theirs. */
export class OwnTransactions {
  private readonly seen = new WeakSet<object>();

  /** From now on the method is called in no shared transaction. */
  note(bound: BoundStep, run: Run): void {
    this.seen.add(methodOf(bound, run));
  }

  /** Whether the method says so: then not all that it changes can be seen. */
  isDeclared({ runsAlone, undoneAlone }: BoundStep, run: Run): boolean {
    return (run === 'compensation' ? undoneAlone : runsAlone) === true;
  }

  /** The parts of a batch that have a transaction each. What becomes of a member is not known yet, so both of its methods count. */
  partsOf(batch: readonly Delivery[]): readonly (readonly Delivery[])[] {
    const alone = batch.length > 1 ? batch.filter(({ bound }) => this.isAlone(bound)) : [];
    if (alone.length === 0) return [batch];
    const together = batch.filter((delivery) => !alone.includes(delivery));
    return [...(together.length > 0 ? [together] : []), ...alone.map((delivery) => [delivery])];
  }

  private isAlone(bound: BoundStep): boolean {
    const runs: readonly Run[] = ['step', 'compensation'];
    return runs.some((run) => this.isDeclared(bound, run) || this.seen.has(methodOf(bound, run)));
  }
}

/** The same for all branches of a step. */
function methodOf({ run: step, compensate }: BoundStep, run: Run): object {
  return (run === 'compensation' && compensate) || step;
}

/** Settles the parts of a batch one after the other; the endings are in the order of the batch. */
export async function settledInParts<E>(
  batch: readonly Delivery[],
  parts: readonly (readonly Delivery[])[],
  settle: (part: readonly Delivery[]) => Promise<readonly E[]>,
): Promise<readonly E[]> {
  if (parts.length === 1) return settle(batch);
  const endings = new Map<Delivery, E>();
  for (const part of parts) {
    const ends = await settle(part);
    part.forEach((delivery, index) => endings.set(delivery, ends[index]!));
  }
  return batch.map((delivery) => endings.get(delivery)!);
}

import type { SagaGraph } from '../../definition/saga-definition.js';
import { compensationFailed } from '../../protocol/envelope.js';
import { SagaError } from '../../protocol/errors.js';
import { isClosed } from '../../protocol/step-state.js';
import type { Topics } from '../../protocol/topics.js';
import type { FenceRow } from '../../ports/fence-row.js';
import type { BoundStep } from '../bound-step.js';

/** How long a service keeps what is settled; all times in ms. */
export interface Retention {
  /** How long the rows of a settled saga are kept. */
  readonly keep: number;
  /** By how much that must exceed the time for which a record may come again: the longest that a service may be down. */
  readonly margin: number;
  /** How long the tracker keeps what it knows of a saga that is over. */
  readonly history: number;
  /** Between two looks for what may go. */
  readonly every: number;
  /** Rows per statement. */
  readonly batchSize: number;
}

const day = 86_400_000;

export function retentionOf(given: { readonly keep: number } & Partial<Retention>): Retention {
  return { margin: day, history: given.keep, every: 600_000, batchSize: 500, ...given };
}

/** The store would forget a saga while its records may still come again, and take them for a new one. */
export class RetentionTooShort extends SagaError {
  constructor(readonly violations: readonly string[]) {
    super('RETENTION_TOO_SHORT', `Finished sagas would be forgotten too soon: ${violations.join('; ')}.`, { retriable: false }); // prettier-ignore
    this.name = 'RetentionTooShort';
  }
}

/** @throws RetentionTooShort naming each topic whose records would outlive the rows that know them */
export function checkLifetimes({ keep, margin }: Retention, lifetimes: ReadonlyMap<string, number>): void {
  const violations = [...lifetimes].flatMap(([topic, lifetime]) => {
    if (lifetime === Infinity)
      return [`topic "${topic}" keeps its records for good, so nothing may be purged: give it a retention.ms and the cleanup.policy "delete", or leave out retention`]; // prettier-ignore
    const needed = lifetime + margin;
    if (lifetime === 0 || keep >= needed) return [];
    return [`records of topic "${topic}" may come again for ${told(lifetime)} (retention.ms and segment.ms), and the margin is ${told(margin)}: set retention.keep to ${needed} ms or more, it is ${keep}`]; // prettier-ignore
  });
  if (violations.length > 0) throw new RetentionTooShort(violations);
}

/** The topics whose records can move a step: a dead letter moves one only where the undo goes on after it. */
export function topicsToOutlive(topics: Topics, sagas: readonly SagaGraph[]): readonly string[] {
  const deadLetters = topics.of({ sagaType: '', type: compensationFailed });
  const heard = sagas.flatMap((saga) => {
    const goesOn = Object.values(saga.steps).some(({ onDeadLetter }) => onDeadLetter === 'continue');
    return topics.ofSaga(saga).filter((topic) => goesOn || topic !== deadLetters);
  });
  return [...new Set(heard)];
}

/**
 * Whether nothing that its saga may still do concerns a row: it is closed, or it is done and comes at or after the pivot. One before the pivot may be undone
 * until its saga commits, which the pivot's event says.
 */
export function isSettled({ node }: BoundStep, { status }: Pick<FenceRow, 'status'>): boolean {
  return isClosed(status) || (status === 'done' && node.role !== 'compensatable');
}

/** A row as it is to be saved: marked where its service purges and it is settled. */
export function kept(
  { retention }: { readonly retention?: Retention | undefined },
  bound: BoundStep,
  row: FenceRow,
): FenceRow {
  return retention && isSettled(bound, row) ? { ...row, settled: true } : row;
}

function told(ms: number): string {
  return ms % day === 0 ? `${ms / day} d` : `${ms} ms`;
}

import type { Changes } from '../../ports/step-store.js';
import type { LetterKind, LetterSettlement, NewDeadLetter } from '../../ports/dead-letters.js';
import type { FenceRow } from '../../ports/fence-row.js';
import type { Delivery } from '../delivery.js';
import type { Operation } from './operation.js';
import type { Participant } from '../participant.js';

/** What is committed beside rows and events: dead letters, and the words of operators. */
export type Operations = Pick<Changes, 'letters' | 'settlements' | 'audited'>;

/** What a row's change means for whoever waits for a person: it begins to wait, or waits no more. */
export function letterChanges(
  participant: Participant,
  { happening }: Delivery,
  before: FenceRow,
  row: FenceRow,
  emitted?: object,
): Operations | undefined {
  const [was, is] = [waitingAs(before), waitingAs(row)];
  if (was === is) return undefined;
  if (is !== undefined) return { letters: [letterOf(participant, is, row, emitted)] };
  return { settlements: [settlement(row, happening.type === 'operated' ? happening.operation : undefined)] };
}

export function operationsOf(members: readonly { readonly operations?: Operations }[]): Operations {
  const own = members.flatMap(({ operations }) => operations ?? []);
  if (own.length === 0) return {};
  return {
    letters: own.flatMap(({ letters }) => letters ?? []),
    settlements: own.flatMap(({ settlements }) => settlements ?? []),
    audited: own.flatMap(({ audited }) => audited ?? []),
  };
}

/** A compensation whose attempts are used up; or work outside the database that nobody attempts again, as nobody knows what came of it. */
function waitingAs({ status, dueIn, undecided }: FenceRow): LetterKind | undefined {
  if (status === 'deadLettered') return 'compensation';
  return undecided && status === 'running' && dueIn === undefined ? 'undecided' : undefined;
}

function letterOf(
  { chance, service }: Participant,
  kind: LetterKind,
  row: FenceRow,
  emitted: object | undefined,
): NewDeadLetter {
  const { sagaId, step, attempts, failingSince, lastError, headers } = row;
  const told = {
    owner: service,
    attempts,
    idempotency_key: `${sagaId}:${step}`,
    ...(failingSince && { first_failed_at: failingSince.toISOString() }),
  };
  return {
    id: chance.newId(),
    kind,
    sagaId,
    sagaType: headers.sagaType,
    sagaVersion: headers.sagaVersion,
    step,
    reason: lastError ?? 'unknown',
    details: { ...(emitted ?? told), ...(kind === 'compensation' && row.result && { undo: row.result }) },
  };
}

/** How a letter is settled by an operator's word. */
export const settledAs = { redrive: 'redriven', resolve: 'resolved', waive: 'waived' } as const;

function settlement({ sagaId, step }: FenceRow, operation: Operation | undefined): LetterSettlement {
  const which = { sagaId, step };
  if (!operation) return { which, as: 'overtaken', by: '' };
  return { which, as: settledAs[operation.verb], by: operation.actor };
}

import { reasonOf } from '../../protocol/reason.js';
import type { FenceRow } from '../../ports/fence-row.js';
import type { BoundStep } from '../bound-step.js';

/** What the log is told of a delivery once it is committed: an alert (`error`) is for somebody to act on, and is told once. */
export interface LogLine {
  readonly level: 'warn' | 'error';
  readonly line: string;
  /** What a method threw, and which one: its stack is told where it is new. */
  readonly thrown?: { readonly error: unknown; readonly by: string };
}

/** That a step keeps failing is told when it has lasted: see FailingSteps. */
export function failureReport(bound: BoundStep, before: FenceRow, row: FenceRow, error: unknown): LogLine {
  const alert = alertOf(row);
  const thrown = { error, by: `${bound.saga.name} ${bound.node.name} ${before.status === 'compensating'}` };
  if (alert === undefined) return { level: 'warn', line: failureLine(row, error), thrown };
  const line = `Step "${row.step}" of saga ${row.sagaId} ${alert}: ${reasonOf(error)}`;
  return { level: 'error', line, thrown };
}

function alertOf(row: FenceRow): string | undefined {
  const attempted = `was attempted ${row.attempts} times`;
  if (row.status === 'deadLettered') return `could not be undone and is a dead letter now; it ${attempted}`;
  if (row.status !== 'running' || row.dueIn !== undefined) return undefined;
  return `is parked: it ${attempted} and nobody knows whether its effect happened. Find out by its idempotency key "${row.sagaId}:${row.step}", then resolve it`;
}

/** A failure that is charged to nobody, because the circuit is open, is not counted. */
function failureLine(row: FenceRow, error: unknown): string {
  const [times, next] =
    row.dueIn === undefined
      ? ['for the last time', `now ${row.status}`]
      : [`(${row.attempts} counted so far)`, `next attempt in ${row.dueIn} ms`];
  const what = row.status === 'compensating' ? 'The compensation of step' : 'Step';
  return `${what} "${row.step}" of saga ${row.sagaId} failed ${times}, ${next}: ${reasonOf(error)}`;
}

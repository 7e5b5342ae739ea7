import type { StepStatus } from '../../protocol/step-state.js';
import type { FenceRow } from '../../ports/fence-row.js';
import type { RunningTimer, TimerKind } from '../../ports/timers.js';
import type { BoundStep } from '../bound-step.js';
import { wasSkipped } from '../conditional.js';

/** Which timers of a step run in a status, and how long they are from its beginning, in ms. */
function lengths({ node, saga, hears }: BoundStep, status: StepStatus): Partial<Record<TimerKind, number>> {
  const open = status === 'running' || status === 'done';
  return hears
    ? {}
    : {
        ...(status === 'running' && node.deadline !== undefined && { deadline: node.deadline }),
        ...(status === 'done' && node.expires !== undefined && { reservation: node.expires }),
        ...(open && node.name === saga.source && saga.deadline !== undefined && { sagaDeadline: saga.deadline }),
      };
}

/** The timers that a change of a row's status sets and ends. */
export function timersOfChange(
  bound: BoundStep,
  before: StepStatus,
  row: FenceRow,
): { readonly set: readonly RunningTimer[]; readonly ended: readonly TimerKind[] } {
  const was = lengths(bound, before);
  const { reservation, ...others } = lengths(bound, row.status);
  const is = reservation === undefined || wasSkipped(bound, row) ? others : { ...others, reservation };
  const { sagaId, step, headers } = row;
  const { sagaType, sagaVersion } = headers;
  const added = Object.entries(is).filter(([kind]) => !(kind in was)) as [TimerKind, number][];
  return {
    set: added.map(([kind, dueIn]) => ({ sagaId, step, kind, sagaType, sagaVersion, dueIn })),
    ended: (Object.keys(was) as TimerKind[]).filter((kind) => !(kind in is)),
  };
}

/** In how many milliseconds the first of a row's timers may end. */
export function earliestTimer(bound: BoundStep, status: StepStatus): number | undefined {
  const all = Object.values(lengths(bound, status));
  return all.length === 0 ? undefined : Math.min(...all);
}

/** Whether a step ever has a timer. */
export function hasTimers(bound: BoundStep): boolean {
  return 'deadline' in lengths(bound, 'running') || runUntilCommit(bound).length > 0;
}

/** The timers of a step that the pivot's event ends. */
export function runUntilCommit(bound: BoundStep): readonly TimerKind[] {
  return (['reservation', 'sagaDeadline'] as const).filter((kind) => kind in lengths(bound, 'done'));
}

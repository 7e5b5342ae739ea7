import { advance } from '../../protocol/step-machine.js';
import type { FenceRow } from '../../ports/fence-row.js';
import type { BoundStep } from '../bound-step.js';
import type { Delivery, Settled } from '../delivery.js';
import type { Ledger } from '../ledger.js';
import type { Participant } from '../participant.js';

/** The row as it is committed before a method works outside: from then on the attempt may have its effect. */
export function withIntent(participant: Pick<Participant, 'chance'>, delivery: Delivery, row: FenceRow): FenceRow {
  return known(delivery.bound, row, { type: 'attemptBegun', attempt: participant.chance.newId() });
}

/** The row with what an attempt, or somebody who knows, says of its effect. Nothing else of it changes. */
export function known(bound: BoundStep, row: FenceRow, signal: Parameters<typeof advance>[2]): FenceRow {
  const { undecided } = advance(bound.node, row, signal).state;
  if (undecided === row.undecided) return row;
  const { undecided: _before, ...rest } = row;
  return undecided ? { ...rest, undecided } : rest;
}

/** Whether an attempt made before this one may have had its effect and somebody can be asked. */
export function isToAsk(bound: BoundStep, row: FenceRow): boolean {
  return bound.resolve !== undefined && row.status === 'running' && row.undecided?.earlier === true;
}

/** The intent of an external effect, committed before anything is done outside; due again when nobody reports back in time. */
export function leased(
  { settings }: Pick<Participant, 'settings'>,
  row: FenceRow,
  ledger: Ledger,
  external?: Settled['external'],
): Settled {
  const waiting = { ...row, dueIn: settings.lease };
  ledger.put(waiting);
  return { verdict: 'handled', row: waiting, emitted: [], ...(external && { external }) };
}

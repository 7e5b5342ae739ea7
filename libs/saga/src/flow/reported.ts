import type { FenceRow } from '../ports/fence-row.js';
import type { Delivery, Happening } from './delivery.js';
import { afterFailure } from './failure/after-failure.js';
import { renewed, takeNotBegun, takeStillUnknown } from './failure/resolution.js';
import type { Participant } from './participant.js';
import { conclude, type Taken } from './take.js';
import { inTime } from './time/in-time.js';

/** A happening that tells of something outside the row; no attempt of a method follows from it at once. */
export type Report = Exclude<Happening, { readonly type: 'signal' | 'attempt' | 'notHappened' | 'operated' }>;

/** What a report makes of a row. */
export function reported(participant: Participant, delivery: Delivery, row: FenceRow, report: Report): Taken {
  const { bound } = delivery;
  switch (report.type) {
    case 'result':
      return conclude(bound, row, report.result);
    case 'failed':
      return afterFailure(participant, delivery, row, report.error) ?? { row, verdict: 'ignored' }; // settled meanwhile
    case 'notBegun':
      return takeNotBegun(participant.settings, bound, row, report.attempt);
    case 'stillRunning':
      return renewed(participant.settings, row, report.attempt);
    case 'stillUnknown':
      return takeStillUnknown(participant, bound, row, report);
    case 'nestedDeadLetter':
      return { row, verdict: 'ignored' };
    case 'expired':
    case 'committed':
    case 'signaled':
      return inTime(participant, bound, row, report);
  }
}

import { untouched, type StepState } from '../../libs/saga/src/protocol/step-state.js';
import type { EventSet } from './vocabulary.js';

/** One step and its surroundings: its fence row, and what really happened outside of it. */
export interface Part {
  /** Equal parts of a step have the same number. */
  readonly id: number;
  readonly step: string;
  readonly row: StepState;
  readonly effects: number;
  readonly undos: number;
  /** What is really true of attempts outside that were begun: none may have its effect, the latest may, an earlier one may too. */
  readonly tries: 0 | 1 | 2;
  /** An attempt to undo was begun, and may have its effect. */
  readonly undoing: boolean;
  /** The step was not needed. */
  readonly skipped: boolean;
  /** An operator accepted the effect as a loss. */
  readonly waived: boolean;
  /** The events that the step has read; kept in the acknowledged variant only, otherwise 0. */
  readonly read: EventSet;
}

/** An effect that nobody has undone or written off. */
export function isLive(part: Part): boolean {
  return part.effects > part.undos && !part.waived;
}

/** Keeps one object per distinct part, the sets of its row sorted, so that equal worlds have equal keys. */
export class Parts {
  private readonly known = new Map<string, Part>();

  initial(step: string): Part {
    return this.keep({
      id: 0,
      step,
      row: untouched,
      effects: 0,
      undos: 0,
      tries: 0,
      undoing: false,
      skipped: false,
      waived: false,
      read: 0,
    });
  }

  with(part: Part, change: Partial<Omit<Part, 'id' | 'step'>>): Part {
    return this.keep({ ...part, ...change });
  }

  private keep(part: Part): Part {
    const predecessorsDone = [...part.row.predecessorsDone].toSorted();
    const successorsClosed = [...part.row.successorsClosed].toSorted();
    const { step, effects, undos, tries, undoing, skipped, waived, read, row } = part;
    const { status } = row;
    const undecided = status === 'running' && row.undecided ? { ...row.undecided, attempt: 'latest' } : undefined;
    const unknown = undecided?.earlier;
    const key = [
      step,
      status,
      predecessorsDone,
      successorsClosed,
      unknown,
      effects,
      undos,
      tries,
      undoing,
      skipped,
      waived,
      read,
    ].join('|');
    const kept = this.known.get(key) ?? {
      ...part,
      id: this.known.size,
      row: { status, predecessorsDone, successorsClosed, ...(undecided && { undecided }) },
    };
    this.known.set(key, kept);
    return kept;
  }
}

import type { StepNode } from '../../libs/saga/src/definition/saga-definition.js';
import { isClosed, untouched, type Advance, type Signal } from '../../libs/saga/src/protocol/step-state.js';
import type { Core } from './core.js';
import type { Environment } from './environment.js';
import type { Part, Parts } from './part.js';
import type { EventSet, Subscription, Vocabulary } from './vocabulary.js';

/** Whether a run may end without the move. `operator`: it waits for a person. */
export type Duty = 'must' | 'may' | 'operator';

/** One thing that can happen to one step, and what it publishes in the same transaction. */
export interface Move {
  readonly text: string;
  readonly to: Part;
  readonly publishes: EventSet;
  readonly duty: Duty;
  /** What the machine said; absent where something happens that no row knows of. */
  readonly answer?: Advance;
  /** Goes back on purpose: a redrive, or a fault of the environment. */
  readonly backwards: boolean;
}

/** Everything that can happen to a step in a state of its own. Effects and their records are separate: a crash fits in between. */
export class Moves {
  private readonly known = new Map<number, readonly Move[]>();
  private readonly knownReads = new Map<string, Move>();

  constructor(
    private readonly step: StepNode,
    private readonly core: Core,
    private readonly environment: Environment,
    private readonly parts: Parts,
    private readonly vocabulary: Vocabulary,
  ) {}

  /** The step reads an event: any event of the network, in any order, any number of times. */
  read(part: Part, { bit, text, signal }: Subscription): Move {
    const key = `${part.id}:${bit}:${signal.type}`;
    const known = this.knownReads.get(key);
    if (known) return known;
    const again = (part.read & bit) !== 0;
    const read = this.environment.acknowledged ? part.read | bit : 0;
    const move = this.signal(part, `reads "${text}"`, signal, { read }, again ? 'may' : 'must');
    this.knownReads.set(key, move);
    return move;
  }

  /** What the step, its operator or a fault of its environment does without reading anything. */
  own(part: Part): readonly Move[] {
    const known = this.known.get(part.id);
    if (known) return known;
    const moves = [
      ...this.start(part),
      ...this.skip(part),
      ...this.forward(part),
      ...this.late(part),
      ...this.back(part),
      ...this.lateUndo(part),
      ...this.operator(part),
      ...this.faults(part),
    ];
    this.known.set(part.id, moves);
    return moves;
  }

  private start(part: Part): Move[] {
    return this.step.predecessors.length === 0 ? [this.signal(part, 'is started', { type: 'started' })] : [];
  }

  /** Asked before every attempt, and the answer is always the same: a step that was attempted is needed. */
  private skip(part: Part): Move[] {
    if (!this.step.when || part.row.status !== 'running' || part.effects > 0 || part.tries > 0) return [];
    return [this.signal(part, 'is skipped', { type: 'skipped' }, { skipped: true }, 'may')];
  }

  /** While an effect is live, running again with the same idempotency key changes nothing outside. */
  private forward(part: Part): Move[] {
    if (part.row.status !== 'running') return [];
    if (this.environment.outside) return this.attempts(part);
    if (part.effects > part.undos) return [this.signal(part, 'records its effect', { type: 'effectRecorded' })];
    return [
      this.outside(part, 'has its effect', { effects: part.effects + 1 }),
      this.signal(part, 'is refused', { type: 'rejected' }, {}, 'may'),
    ];
  }

  /** An effect comes of an attempt that was begun, perhaps long after it ended without a word. */
  private attempts(part: Part): Move[] {
    const { tries } = part;
    const happened = part.effects > part.undos;
    const end = [
      this.signal(part, 'has no attempt left', { type: 'attemptsExhausted' }, {}, 'may'),
      this.signal(part, 'is abandoned', { type: 'abandoned' }, {}, 'may'),
    ];
    const begins = this.tried(part, 'begins an attempt', begun, tries === 0 ? 1 : 2, tries === 0 ? 'must' : 'may');
    if (tries === 0) return [...end, begins];
    const moves = [
      ...end,
      begins,
      back(this.signal(part, 'hears late that an attempt failed', failed('late'), {}, 'may')),
      this.tried(part, 'cannot tell its outcome', { type: 'outcomeUnknown' }, 2),
    ];
    if (tries === 2 || !happened)
      moves.push(back(this.tried(part, 'fails without an effect', failed('latest'), tries === 1 ? 0 : 2)));
    if (happened) return [...moves, this.signal(part, 'records its effect', { type: 'effectRecorded' })];
    return [
      ...moves,
      this.outside(part, 'has its effect', { effects: part.effects + 1 }),
      this.tried(part, 'is refused', { type: 'rejected' }, this.step.role === 'retriable' ? tries : 0),
      back(this.tried(part, 'is known not to have happened', { type: 'notHappened' }, 0)),
    ];
  }

  /** An attempt that nobody heard of again has its effect after the step was closed. */
  private late(part: Part): Move[] {
    if (!isClosed(part.row.status) || part.tries === 0 || part.effects > 0) return [];
    return [this.outside(part, 'has its effect after all', { effects: 1 }, 'may')];
  }

  private tried(part: Part, text: string, signal: Signal, tries: Part['tries'], duty: Duty = 'may'): Move {
    const move = this.signal(part, text, signal, {}, duty);
    return { ...move, to: this.parts.with(move.to, { tries }) };
  }

  private back(part: Part): Move[] {
    if (part.row.status !== 'compensating') return [];
    if (this.environment.byHand && !part.skipped) return this.undoAttempts(part);
    const happens = part.effects > part.undos;
    const next = happens
      ? this.outside(part, 'has its undo', { undos: part.undos + 1 })
      : this.signal(part, 'records its undo', { type: 'undone' });
    if (!this.environment.deadLetters || part.skipped) return [next];
    return [next, this.signal(part, 'gives up its undo', { type: 'undoExhausted' }, {}, 'may')];
  }

  /** A dead letter is written when an attempt is surely over: nothing comes of it any more. */
  private undoAttempts(part: Part): Move[] {
    if (!part.undoing) return [this.outside(part, 'begins its undo', { undoing: true })];
    const over = { undoing: false };
    return [
      part.effects > part.undos
        ? this.outside(part, 'has its undo', { undos: part.undos + 1 })
        : this.signal(part, 'records its undo', { type: 'undone' }, over),
      this.signal(part, 'gives up its undo', { type: 'undoExhausted' }, over, 'may'),
    ];
  }

  /** An attempt that was begun has its effect after somebody moved the row away under it. */
  private lateUndo(part: Part): Move[] {
    if (!part.undoing || part.row.status === 'compensating') return [];
    return [this.outside(part, 'has its undo after all', { undos: part.undos + 1, undoing: false })];
  }

  /** The operator may say anything to any step; the machine refuses what it must. */
  private operator(part: Part): Move[] {
    if (!this.environment.deadLetters) return [];
    const live = part.effects > part.undos;
    const undos = this.environment.byHand && live ? part.undos + 1 : part.effects;
    return [
      this.signal(part, 'is resolved by an operator', { type: 'resolve' }, { undos }, 'operator'),
      this.signal(part, 'is waived by an operator', { type: 'waive' }, { waived: true }, 'operator'),
      { ...this.signal(part, 'is redriven by an operator', { type: 'redrive' }, {}, 'may'), backwards: true },
    ];
  }

  private faults(part: Part): Move[] {
    const { status } = part.row;
    switch (this.environment.fault) {
      case 'no idempotency key':
        return status === 'running' && part.effects === 1
          ? [this.outside(part, 'has its effect again', { effects: 2 })]
          : [];
      case 'no idempotency key of the undo':
        return status === 'compensating' && part.undos === 1
          ? [this.outside(part, 'has its undo again', { undos: 2 })]
          : [];
      case 'rejected on an unknown outcome':
        return status === 'running'
          ? [this.signal(part, 'times out and is taken for refused', { type: 'rejected' }, {}, 'may')]
          : [];
      case 'said not to have happened too early':
        return status === 'running'
          ? [back(this.signal(part, 'is wrongly said not to have happened', { type: 'notHappened' }, {}, 'may'))]
          : [];
      case 'event lost after commit':
        return status === 'running' ? this.forward(part).flatMap(unpublished) : [];
      case 'undo event lost after commit':
        return status === 'compensating' ? this.back(part).flatMap(unpublished) : [];
      case 'a skipped step is undone by its method':
        return status === 'compensating' && part.skipped && part.undos === 0
          ? [this.outside(part, 'has its undo', { undos: 1 })]
          : [];
      case 'tombstone expires':
        return isClosed(status)
          ? [{ ...this.outside(part, 'forgets its tombstone', { row: untouched }, 'may'), backwards: true }]
          : [];
      default:
        return [];
    }
  }

  /** Something happens in the world, and no row is written. */
  private outside(part: Part, text: string, change: Partial<Part>, duty: Duty = 'must'): Move {
    const to = this.parts.with(part, change);
    return { text: `${part.step} ${text}`, to, publishes: 0, duty, backwards: false };
  }

  /** The real machine answers; `alongside` holds when it moves the row, except what was read, which holds in any case. */
  private signal(part: Part, text: string, signal: Signal, alongside: Partial<Part> = {}, duty: Duty = 'must'): Move {
    const answer = this.core.advance(this.step, part.row, signal);
    const { state: row, emit } = answer;
    const moved = row.status !== part.row.status;
    const change = moved ? alongside : { read: alongside.read ?? part.read };
    return {
      text: `${part.step} ${text}${moved ? `: ${part.row.status} → ${row.status}` : ''}${emit ? `, publishes "${part.step} ${emit}"` : ''}`,
      to: this.parts.with(part, { ...change, row }),
      publishes: emit ? this.vocabulary.published(part.step, emit) : 0,
      duty,
      answer,
      backwards: false,
    };
  }
}

function unpublished(move: Move): Move[] {
  if (move.publishes === 0) return [];
  return [{ ...move, text: `${move.text}, but crashes before it is sent`, publishes: 0, duty: 'may' }];
}

/** The latest attempt that was begun is always named so, whatever its name was when it began. */
const begun: Signal = { type: 'attemptBegun', attempt: 'next' };

function failed(attempt: string): Signal {
  return { type: 'attemptFailed', attempt };
}

function back(move: Move): Move {
  return { ...move, backwards: true };
}

import type { IncomingRecord } from './transport.js';

/**
 * Why something waits for a person. `compensation`: its attempts are used up. `undecided`: nobody knows whether the step's effect happened.
 * `record`: no saga event of this service's definitions. `version`: an event of a version of its saga that this service does not know (yet).
 */
export type LetterKind = 'compensation' | 'undecided' | 'record' | 'version';

/** What ended the waiting. `overtaken`: nobody's word; what was waited for happened after all. */
export type LetterSettling = 'redriven' | 'resolved' | 'waived' | 'overtaken';

/** Something that waits for a person: a step of a saga, or a record. */
export interface NewDeadLetter {
  /** A UUID; a second letter with the same id is none. */
  readonly id: string;
  readonly kind: LetterKind;
  readonly sagaId?: string;
  readonly sagaType?: string;
  readonly sagaVersion?: number;
  readonly step?: string;
  readonly reason: string;
  /** What a person needs to know beside the reason, as JSON. */
  readonly details: object;
  /** Set when a record waits: all of it, so that it can be received again. */
  readonly record?: IncomingRecord;
  /** Whose record it is: a service's steps and its listeners read the same topics. */
  readonly audience?: 'steps' | 'listeners';
  /** The fingerprint of the graph that the record's saga has: only a process with that graph may receive it. */
  readonly graph?: string;
  /** The steps or listeners that the record is kept for: only a process that has all of them may receive it. */
  readonly wanted?: readonly string[];
}

export interface DeadLetter extends NewDeadLetter {
  readonly createdAt: Date;
  /** Absent while it waits. */
  readonly settled?: { readonly at: Date; readonly as: LetterSettling; readonly by: string };
}

/** Settles the letters, of those that still wait, that `which` names. */
export interface LetterSettlement {
  readonly which: { readonly id: string } | { readonly sagaId: string; readonly step: string };
  readonly as: LetterSettling;
  readonly by: string;
}

export interface LetterFilter {
  readonly state?: 'open' | 'settled';
  readonly kind?: LetterKind;
  readonly sagaId?: string;
  readonly sagaType?: string;
  readonly sagaVersion?: number;
  /** Letters that a process with these graphs and these steps may receive. */
  readonly takenBy?: { readonly graphs: readonly string[]; readonly steps: readonly string[] };
  /** The last letter of the page before. */
  readonly after?: string;
  readonly limit: number;
}

/**
 * What waits for a person, in the service's own store. Letters of steps are put and settled by `Changes`, with their fence rows; those of
 * records here. A letter that waits is never deleted by the library.
 */
export interface DeadLetters {
  /** Durable when it resolves. */
  put(letters: readonly NewDeadLetter[]): Promise<void>;
  find(id: string): Promise<DeadLetter | undefined>;
  /** Oldest first. */
  list(filter: LetterFilter): Promise<readonly DeadLetter[]>;
  /** Resolves to how many letters this call settled. */
  settle(settlement: LetterSettlement): Promise<number>;
  /** How many wait, by kind, and since when the oldest does. */
  backlog(): Promise<{ readonly sizes: Readonly<Partial<Record<LetterKind, number>>>; readonly oldest?: Date }>;
}

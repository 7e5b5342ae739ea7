/** What may go wrong around a core that cannot defend itself: each fault breaks one assumption of the protocol. */
export type Fault =
  | 'no idempotency key'
  | 'no idempotency key of the undo'
  | 'rejected on an unknown outcome'
  | 'said not to have happened too early'
  | 'event lost after commit'
  | 'undo event lost after commit'
  | 'tombstone expires'
  | 'a skipped step is undone by its method'
  | 'abort before the branches are known';

/** What can happen around the steps. */
export interface Environment {
  readonly name: string;
  /** Somebody may request an abort, at any time. */
  readonly aborts: boolean;
  /** Compensations may run out of attempts; an operator resolves, waives or redrives. */
  readonly deadLetters: boolean;
  /** Every event is read at least once and may be read again; otherwise the network offers everything for ever. */
  readonly acknowledged: boolean;
  /** Steps work outside the database: each attempt begins with an intent, may end without a word, and its effect may come late. */
  readonly outside: boolean;
  /** An undo is attempted first and has its effect later; and an operator who resolves has undone the step himself. */
  readonly byHand: boolean;
  readonly fault?: Fault;
}

const quiet = { aborts: false, deadLetters: false, acknowledged: false, outside: false, byHand: false };

export const plain: Environment = { ...quiet, name: 'plain' };
export const withAborts: Environment = { ...quiet, name: '+ abort', aborts: true };
export const withDeadLetters: Environment = { ...withAborts, name: '+ abort + dead letters', deadLetters: true };
export const undoneByHand: Environment = { ...withDeadLetters, name: '+ abort + undone by hand', byHand: true };
export const acknowledged: Environment = { ...plain, name: 'acknowledged', acknowledged: true };
export const acknowledgedWithAborts: Environment = {
  ...withAborts,
  name: 'acknowledged + abort',
  acknowledged: true,
};
export const acknowledgedWithDeadLetters: Environment = {
  ...withDeadLetters,
  name: 'acknowledged + abort + dead letters',
  acknowledged: true,
};
export const outside: Environment = { ...withAborts, name: '+ abort, outside', outside: true };
export const acknowledgedOutside: Environment = {
  ...outside,
  name: 'acknowledged + abort, outside',
  acknowledged: true,
};

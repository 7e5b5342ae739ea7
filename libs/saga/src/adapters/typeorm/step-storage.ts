import { AsyncLocalStorage } from 'node:async_hooks';
import type { StepConnection } from './step-connection.js';
import type { Part } from './step-turns.js';

/** A step's method that is running, as those see it who ask for a connection to its database. */
export interface Scope {
  readonly connection: StepConnection;
  /** The transaction inside the step whose callback is running. */
  readonly part?: Part;
  /** The scope in which this one was opened, which may be of another DataSource. */
  readonly outer: Scope | undefined;
}

/** One for all DataSources of the process: every promise pays for each storage that is in use. */
export const storage = new AsyncLocalStorage<Scope | undefined>();

/** The transaction inside a step whose callback is asking. */
export function currentPart(connection: StepConnection): Part | undefined {
  let scope = storage.getStore();
  while (scope && scope.connection !== connection) scope = scope.outer;
  return scope?.part;
}

/** The saga and step that hold a resource. */
export interface LockHolder {
  readonly sagaId: string;
  readonly step: string;
}

/**
 * Which saga works on which of the service's resources.
 *
 * Guarantee: a resource is held by at most one saga. `take` and `release` join the transaction of the step that is running and are undone with it;
 * the other methods stand apart from it.
 */
export interface Locks {
  /** Takes a free resource, or one that the same saga holds. Resolves to another saga that holds it, if one does. */
  take(resource: string, holder: LockHolder): Promise<LockHolder | undefined>;
  /** Lets go of one of a saga's resources, or of all. */
  release(sagaId: string, resource?: string): Promise<void>;
  /** Notes for `forMs` that a saga waits for a resource. Resolves to the sagas that wait for each other in a circle with it, the youngest wait first; empty when there is none. */
  wait(resource: string, sagaId: string, forMs: number): Promise<readonly string[]>;
  /** The saga waits for nothing any more. */
  stopWaiting(sagaId: string): Promise<void>;
  holder(resource: string): Promise<LockHolder | undefined>;
}

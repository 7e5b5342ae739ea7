import { Injectable } from '@nestjs/common';
import { TypeOrmLocks } from '../adapters/typeorm/typeorm-locks.js';
import type { LockHolder, Locks } from '../ports/locks.js';
import { SagaError, StepPostponed, StepRejected } from '../protocol/errors.js';
import { checkedSagaId } from './asking-checks.js';
import { SagaRuntime } from './runtime.js';
import { Sagas } from './sagas.js';
import type { StepContext } from './step-context.js';

/**
 * What becomes of a step whose resource another saga holds. `reject`: it is rejected, and its saga closes backwards. `wait`: it is attempted
 * again until the resource is free, which uses up no attempts. `abortOlder`: the saga that holds it is asked to abort, and the step waits.
 */
export type OnHeld = 'reject' | 'wait' | 'abortOlder';

const lookAgainAfter = 250;
/** Longer than an attempt takes to come back, so that who waits is seen waiting. */
const waitKeptFor = 10_000;
const longestResource = 500;

/**
 * Semantic locks: a saga marks what it works on, so that others do not build on what may still be undone. A lock is the saga's: it is taken in
 * a step, in the step's transaction, outlives it, and ends when the step that took it is undone or refused (of several, the last), or when somebody releases it, as a
 * step after the pivot does.
 */
@Injectable()
export class SemanticLocks {
  private opened: Locks | undefined;

  constructor(
    private readonly runtime: SagaRuntime,
    private readonly sagas: Sagas,
  ) {}

  /**
   * Takes a resource for the saga whose step is running; again is harmless. Sagas that wait for each other in a circle are found: the
   * one that came last is rejected.
   *
   * @param resource a name of yours, `order:42`; up to 500 characters
   */
  async acquire(saga: StepContext, resource: string, options: { readonly onHeld: OnHeld }): Promise<void> {
    const onHeld = checkedOnHeld(options?.onHeld);
    checkedSagaId(saga?.sagaId);
    const holder = await this.locks.take(named(resource), { sagaId: saga.sagaId, step: saga.step });
    if (!holder) return;
    if (onHeld === 'reject') throw new StepRejected(`"${resource}" is held by saga ${holder.sagaId}`);
    await this.wait(saga, resource, holder, onHeld);
  }

  /** Lets go of one resource of a saga, or of all of them; inside a step, together with its transaction. */
  async release(saga: Pick<StepContext, 'sagaId'>, resource?: string): Promise<void> {
    const sagaId = checkedSagaId(saga?.sagaId);
    await this.locks.release(sagaId, resource === undefined ? undefined : named(resource));
  }

  /** Who holds a resource now, if anyone does. */
  async holder(resource: string): Promise<LockHolder | undefined> {
    return this.locks.holder(named(resource));
  }

  private async wait({ sagaId, step }: StepContext, resource: string, holder: LockHolder, onHeld: OnHeld) {
    const [youngest] = await this.locks.wait(resource, sagaId, waitKeptFor);
    if (youngest === sagaId) {
      await this.locks.stopWaiting(sagaId);
      throw new StepRejected(`deadlock: saga ${holder.sagaId} holds "${resource}" and waits for this one`);
    }
    if (onHeld === 'abortOlder') await this.sagas.requestAbort(holder.sagaId, `saga ${sagaId} needs "${resource}"`);
    throw new StepPostponed(`step "${step}" waits for "${resource}", held by saga ${holder.sagaId}`, lookAgainAfter);
  }

  private get locks(): Locks {
    this.opened ??= new TypeOrmLocks(this.runtime.dataSource(), this.runtime.tables());
    return this.opened;
  }
}

function checkedOnHeld(onHeld: unknown): OnHeld {
  if (onHeld === 'reject' || onHeld === 'wait' || onHeld === 'abortOlder') return onHeld;
  throw new SagaError(
    'INVALID_ON_HELD',
    "A semantic lock needs to know what becomes of a step whose resource is held; give { onHeld: 'reject' }, 'wait' or 'abortOlder'.",
    { retriable: false },
  );
}

/** Half of a surrogate pair would be written as another character, and be one lock with others. */
function named(resource: string): string {
  const isText = typeof resource === 'string' && resource.length > 0 && resource.length <= longestResource;
  if (isText && !/[\0\p{Cs}]/u.test(resource)) return resource;
  throw new SagaError(
    'INVALID_RESOURCE',
    `A semantic lock needs a resource named with 1 to ${longestResource} characters, none of them null or half of a pair, such as "order:42".`,
    { retriable: false },
  );
}

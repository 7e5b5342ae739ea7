import { inOwnContext } from '../ports/own-context.js';
import {
  RowsLocked,
  StoreFailure,
  TransactionLost,
  type CallersTransaction,
  type OutboxMessage,
  type StepTransaction,
} from '../ports/step-store.js';
import type { FenceRow } from '../ports/fence-row.js';
import { abortEvent } from './abort-event.js';
import { afterFailure } from './failure/after-failure.js';
import { startInput } from './attempt.js';
import type { Ending } from './batcher.js';
import { skippedBy, wasSkipped } from './conditional.js';
import { heldBack } from './failure/circuits.js';
import { lostToCaller } from './failure/lost.js';
import { isNobodys, isUnanswered, maybeThere } from './failure/nobodys.js';
import { isAttended, isExpected, type Delivery, type Settled } from './delivery.js';
import { emission, lateEffectLine } from './emit.js';
import { fitting } from './fitting.js';
import { unlessGivenUp, waiting } from './time/give-up.js';
import { tooLate } from './time/too-late.js';
import { leased, withIntent } from './failure/intent.js';
import { beginNested, follow, isLinked } from './nested/nested.js';
import { inItsGraph } from './in-its-graph.js';
import type { Ledger } from './ledger.js';
import { letterChanges, operationsOf } from './operate/letters.js';
import { operated } from './operate/operated.js';
import type { Participant } from './participant.js';
import type { Relay } from './relay.js';
import { takeNotHappened } from './failure/resolution.js';
import { MethodCalls } from './method-calls.js';
import { settledInParts } from './own-transactions.js';
import { repeatedOnConflict } from './repeated.js';
import { write, type Alone, type Work } from './write.js';
import { reported } from './reported.js';
import { kept } from './retention/retention.js';
import { inputFor, runMethod } from './run-method.js';
import { conclude, take, type Taken } from './take.js';
import { OtherGraph, refuseRowsOfOtherGraphs } from './versions/other-graph.js';

/** When a database that did not answer a commit is asked what became of it, ms. */
const pausesToAsk = [50, 500, 2_000];

/**
 * The path of what happens to a saga's steps, from the queue to the commit:
 *
 *     lock and read the fence rows -> for each: advance, run the decorated method, advance with its result
 *     -> save the rows, stage what they emit, forget what was published -> commit -> hand the events to the relay
 *
 * All of a batch is one transaction. When anything in it throws, it is rolled back and its members are settled one by one,
 * so one failure does not spoil its neighbors.
 */
export class Deliverer {
  private readonly calls = new MethodCalls();

  constructor(
    private readonly participant: Participant,
    private readonly relay: Relay,
  ) {}

  /** Settles a batch; never rejects. A member that ends in an error left nothing behind, or nobody knows, and may be delivered again. */
  settle(batch: readonly Delivery[]): Promise<readonly Ending<Settled>[]> {
    return settledInParts(batch, this.calls.own.partsOf(batch), (part) => this.settlePart(part));
  }

  private async settlePart(batch: readonly Delivery[]): Promise<readonly Ending<Settled>[]> {
    const together: readonly Ending<Settled>[] | Alone =
      batch.length > 1 ? await this.settleBatch(batch) : { alone: batch };
    if (!('alone' in together)) return together;
    const endings: Ending<Settled>[] = [];
    for (const delivery of together.alone) {
      endings.push(
        await this.settleAlone(delivery, together.lost && this.calls.lose(delivery, together.lost)).then(
          (result) => ({ result }),
          (error: unknown) => (error instanceof RowsLocked ? 'later' : { error }),
        ),
      );
    }
    return endings;
  }

  /**
   * Settles one delivery in a transaction of its caller's, who is told what it throws. What it emits is published, and `after` is called, when that
   * transaction is committed.
   */
  async settleIn(callers: CallersTransaction, delivery: Delivery, after: (settled: Settled) => void): Promise<Settled> {
    let staged: readonly OutboxMessage[] = [];
    const attempt = (work: Work): Promise<Settled> =>
      repeatedOnConflict(this.participant, async () => {
        const written = await write(this.participant, callers, { batch: [delivery], published: [] }, work);
        ({ staged } = written);
        return written.members;
      });
    const settled = await attempt(this.each([delivery])).catch((error: unknown) => {
      if (!isAttended(delivery) || !isExpected(error)) throw error;
      return attempt(async (_transaction, ledger) => [this.failed(delivery, ledger, error)]);
    });
    callers.afterCommit(() =>
      inOwnContext(() => {
        this.relay.hand(staged);
        after(settled);
      }),
    );
    return settled;
  }

  /** The failure itself is found again, and dealt with, when its member is settled alone. A database that cannot begin answers all members alike. */
  private async settleBatch(batch: readonly Delivery[]): Promise<readonly Ending<Settled>[] | Alone> {
    try {
      return (await this.settleTogether(batch)).map((result) => ({ result }));
    } catch (error) {
      if (error instanceof TransactionLost) return { alone: batch, lost: error };
      if (!(error instanceof StoreFailure)) return { alone: batch };
      if (error.phase === 'begin') return batch.map(() => ({ error }));
      return { alone: error.outcome === 'unknown' ? batch.map(maybeThere) : batch };
    }
  }

  private settleTogether(batch: readonly Delivery[]): Promise<readonly Settled[]> {
    this.calls.begin(batch);
    return this.inTransaction(batch, this.each(batch));
  }

  private each(batch: readonly Delivery[]): Work {
    return async (transaction, ledger) => {
      const settled: Settled[] = [];
      for (const delivery of batch) {
        delivery.patience?.go('waiting');
        settled.push(await inOwnContext(() => this.deliver(delivery, transaction, ledger)));
      }
      for (const { patience } of batch) patience?.go('saving');
      return settled;
    };
  }

  /**
   * What a failed attempt leaves is recorded in a transaction of its own. A start that fails leaves nothing when its caller is told. What the database did is
   * charged to nobody: the delivery comes again.
   *
   * @param lost its method was called already, and nobody knows what it wrote
   */
  private async settleAlone(delivery: Delivery, lost?: TransactionLost): Promise<Settled> {
    try {
      if (lost) throw lost;
      return await repeatedOnConflict(this.participant, () => this.settleTogether([delivery]));
    } catch (error) {
      if (isAttended(delivery) && isUnanswered(error)) return this.settledAfterAll(delivery, error);
      if (isNobodys(error) || error instanceof OtherGraph) throw error;
      const unknown = this.calls.lose(delivery, error);
      if (error instanceof TransactionLost && !unknown) throw error;
      if (isAttended(delivery) && !isExpected(error) && !unknown) throw error;
      const settled = await repeatedOnConflict(this.participant, () =>
        this.inTransaction([delivery], async (_transaction, ledger) => [this.failed(delivery, ledger, error)]),
      );
      this.calls.recorded(delivery);
      if (unknown && isAttended(delivery)) throw lostToCaller(delivery, unknown);
      return settled;
    }
  }

  /** Whoever waits for a start is told what became of it: it is made again under its own id, which finds it where its commit was done. */
  private async settledAfterAll(delivery: Delivery, unanswered: unknown): Promise<Settled> {
    for (const pause of pausesToAsk) {
      await new Promise<void>((resolve) => this.participant.clock.after(pause, resolve));
      try {
        return await repeatedOnConflict(this.participant, () => this.settleTogether([maybeThere(delivery)]));
      } catch (error) {
        if (!isNobodys(error)) throw error;
      }
    }
    throw unanswered;
  }

  private async deliver(given: Delivery, transaction: StepTransaction, ledger: Ledger): Promise<Settled> {
    refuseRowsOfOtherGraphs(this.participant, given, ledger);
    const delivery = inItsGraph(this.participant, given, ledger.rowOf(given));
    const row = ledger.rowOf(delivery);
    const checked = tooLate(delivery, row, transaction);
    const late = checked && (await checked);
    const settled = late ? this.record(delivery, row, late, ledger) : this.move(delivery, transaction, ledger);
    return this.followed(delivery, await settled, ledger);
  }

  /** A saga inside another moves with it. */
  private followed(delivery: Delivery, settled: Settled, ledger: Ledger): Settled {
    if (!isLinked(delivery)) return ledger.telling(settled);
    const { emitted, operations } = follow(this.participant, delivery, settled, ledger);
    return ledger.telling({
      ...settled,
      emitted: [...settled.emitted, ...emitted],
      operations: operationsOf([settled, { ...(operations && { operations }) }]),
    });
  }

  private move(delivery: Delivery, transaction: StepTransaction, ledger: Ledger): Settled | Promise<Settled> {
    const row = ledger.rowOf(delivery);
    const { happening, bound, unlessBegun } = delivery;
    if (unlessBegun && row.version === 0) return { verdict: unlessBegun, row, emitted: [] };
    const record = (taken: Taken): Settled => this.record(delivery, row, taken, ledger);
    switch (happening.type) {
      case 'operated':
        return operated(this.participant, delivery, happening.operation, row, record);
      case 'notHappened':
        return this.attempt(delivery, row, takeNotHappened(bound, row, happening.attempt), transaction, ledger);
      case 'signal':
      case 'attempt':
        return this.attempt(delivery, row, unlessGivenUp(delivery, take(delivery, row)), transaction, ledger);
      default:
        return record(reported(this.participant, delivery, row, happening));
    }
  }

  /** Makes the attempt that is due, if one is: here in the transaction, or outside after the commit, or by a saga inside. */
  private async attempt(
    delivery: Delivery,
    before: FenceRow,
    taken: Taken,
    transaction: StepTransaction,
    ledger: Ledger,
  ): Promise<Settled> {
    const { bound } = delivery;
    const { run, row } = taken;
    const record = (next: Taken): Settled => this.record(delivery, before, next, ledger);
    if (!run) return record(taken);
    const skipped = run === 'step' && skippedBy(bound, inputFor(delivery, row));
    if (skipped) return record(conclude(bound, row, skipped));
    const held = heldBack(this.participant, delivery, taken);
    if (held) return record(held);
    const hasEffect = !wasSkipped(bound, row);
    if (bound.node.external && hasEffect)
      return leased(this.participant, withIntent(this.participant, delivery, row), ledger, run);
    if (bound.node.nested && hasEffect && run !== 'lateUndo')
      return this.moveNested(delivery, before, taken, transaction, ledger);
    const answer = await this.calls.run(delivery, run, transaction, () => runMethod(delivery, taken, transaction));
    if (!answer) return record(waiting(bound, row));
    return record(conclude(bound, row, fitting(bound, answer, this.participant.settings.maxEventBytes)));
  }

  /** The step's method says what its saga starts with; that saga does and undoes the rest, and the row waits for it. */
  private async moveNested(
    delivery: Delivery,
    before: FenceRow,
    { row, run }: Taken,
    transaction: StepTransaction,
    ledger: Ledger,
  ): Promise<Settled> {
    const { bound } = delivery;
    if (run === 'step') {
      const method = (): Promise<unknown> => startInput(bound, row, inputFor(delivery, row), transaction.manager);
      const input = await this.calls.run(delivery, run, transaction, method);
      beginNested(this.participant, bound, row, input, ledger);
    }
    const settled = this.record(delivery, before, waiting(bound, row), ledger);
    return run === 'step' ? { ...settled, alsoDue: true } : settled;
  }

  private failed(given: Delivery, ledger: Ledger, error: unknown): Settled {
    const row = ledger.rowOf(given);
    const delivery = inItsGraph(this.participant, given, row);
    const taken = afterFailure(this.participant, delivery, row, error);
    if (!taken) throw error;
    return this.followed(delivery, this.record(delivery, row, taken, ledger), ledger);
  }

  /** A step that is doomed when it is done (`run` again) is undone by an attempt of its own, due at once. */
  private record(delivery: Delivery, before: FenceRow, taken: Taken, ledger: Ledger): Settled {
    if (taken.run === 'lateUndo') ledger.tell({ level: 'error', line: lateEffectLine(before) });
    if (taken.report) ledger.tell(taken.report);
    for (const kind of taken.ended ?? []) ledger.end(before, kind);
    const asked = taken.abort ? [abortEvent(this.participant, before.headers, taken.abort)] : [];
    const attempt = before.attempts + 1;
    if (taken.row === before) return { verdict: taken.verdict, row: before, attempt, emitted: asked };
    const due = taken.run === 'compensation' ? { ...taken.row, dueIn: 0 } : taken.row;
    const row = kept(this.participant, delivery.bound, due);
    ledger.put(row);
    const envelope = taken.emit && emission(this.participant, delivery.bound, row, taken.emit, taken.event);
    const operations = letterChanges(this.participant, delivery, before, row, envelope?.data);
    const emitted = envelope ? [...asked, envelope] : asked;
    const verdict = taken.parked ? 'retried' : taken.verdict;
    return { verdict, row, attempt, emitted, ...(operations && { operations }) };
  }

  private async inTransaction(batch: readonly Delivery[], work: Work): Promise<readonly Settled[]> {
    const published = this.relay.takePublished();
    try {
      const { members, staged } = await write(this.participant, this.participant.store, { batch, published }, work);
      this.relay.hand(staged);
      return members;
    } catch (error) {
      this.relay.giveBack(published);
      throw error;
    }
  }
}

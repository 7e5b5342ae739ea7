import type { AuditEntry } from '../../ports/audit-log.js';
import type { DeadLetter, LetterFilter } from '../../ports/dead-letters.js';
import { FenceConflict } from '../../ports/step-store.js';
import type { FenceRow, ResolvedAs } from '../../ports/fence-row.js';
import { SagaError } from '../../protocol/errors.js';
import { toldToCaller } from '../failure/nobodys.js';
import { redriveRecord, waiveRecord } from './operate-record.js';
import { operateAbort, type Abortable } from './operate-abort.js';
import { eventOf, letterFilter, resolvedAs, sagaIdOf, saidOf } from './operator-input.js';
import { findTarget, sagaNotFound, type FoundTarget, type OperatorTarget } from './operator-target.js';
import type { Operation, OperatorAnswer, Said } from './operation.js';
import type { SagaService } from '../service.js';

/** How a step is resolved, and the data of the event that the saga goes on with. */
export interface Resolution {
  readonly as: ResolvedAs;
  /** The data of the event of that ending. Needed for `done`; otherwise the library makes the event where it is left out. */
  readonly event?: object;
}

/** What one service knows of a saga. */
export interface InspectedSaga {
  readonly sagaId: string;
  /** Absent when nothing is left of it but what could not be read. */
  readonly saga?: string;
  readonly version?: number;
  /** The fence rows of the service's own steps; they may be purged some time after its end. */
  readonly steps: readonly FenceRow[];
  /** Oldest first. */
  readonly letters: readonly DeadLetter[];
  /** Newest first. */
  readonly audit: readonly AuditEntry[];
}

type StepTarget = Extract<FoundTarget, { readonly type: 'step' }>;

/** An operation without who says it. */
type Verb = { readonly verb: 'redrive' | 'waive' } | Pick<Operation & { verb: 'resolve' }, 'verb' | 'as' | 'event'>;

const most = 1_000;

/**
 * An operator's verbs over what this service owns. A word about a step is decided under the lock of its row, in one commit with its audit entry, and
 * answered definitely: `applied`, `alreadyApplied` or `refused`, and why. The same word said again changes nothing.
 */
export class Operator {
  constructor(private readonly service: SagaService) {}

  async deadLetters(filter: Partial<LetterFilter> = {}): Promise<readonly DeadLetter[]> {
    return this.service.participant.store.deadLetters.list(letterFilter(filter));
  }

  async inspect(id: string): Promise<InspectedSaga> {
    const { store, service } = this.service.participant;
    const sagaId = sagaIdOf(id);
    const steps = await store.find(sagaId);
    const letters = await store.deadLetters.list({ sagaId, limit: most });
    const audit = await store.audit.list({ sagaId, limit: most });
    if (steps.length + letters.length + audit.length === 0) throw sagaNotFound(service, sagaId);
    const saga = steps[0]?.headers.sagaType ?? letters[0]?.sagaType;
    const version = steps[0]?.headers.sagaVersion ?? letters[0]?.sagaVersion;
    return {
      sagaId,
      ...(saga !== undefined && { saga }),
      ...(version !== undefined && { version }),
      steps,
      letters,
      audit,
    };
  }

  async redrive(word: OperatorTarget & Said): Promise<OperatorAnswer> {
    const said = saidOf(word);
    const target = await this.find(word);
    if (target.type === 'record') return redriveRecord(this.service, target.letter, said);
    return this.say(target, said, { verb: 'redrive' });
  }

  async resolve(word: OperatorTarget & Resolution & Said): Promise<OperatorAnswer> {
    const said = saidOf(word);
    const as = resolvedAs(word.as);
    const target = await this.find(word);
    if (target.type === 'record')
      throw new SagaError(
        'LETTER_IS_A_RECORD',
        `Dead letter ${target.letter.id} is a record, and only steps are resolved: redrive it, or waive it.`,
        { retriable: false },
      );
    const { node, hears } = target.bound;
    const event = hears ? undefined : eventOf(node, as, word.event);
    return this.say(target, said, { verb: 'resolve', as, ...(event && { event }) });
  }

  async waive(word: OperatorTarget & Said): Promise<OperatorAnswer> {
    const said = saidOf(word);
    const target = await this.find(word);
    if (target.type === 'record') return waiveRecord(this.service.participant, target.letter, said);
    return this.say(target, said, { verb: 'waive' });
  }

  async abort(target: Abortable, word: Said): Promise<OperatorAnswer> {
    return operateAbort(this.service, target, saidOf(word));
  }

  private find(target: OperatorTarget): Promise<FoundTarget> {
    return findTarget(this.service.participant, target);
  }

  /** A letter that was settled meanwhile is not spoken of any more: its step may have another one. */
  private async say({ sagaId, bound, headers, letter }: StepTarget, said: Said, verb: Verb): Promise<OperatorAnswer> {
    const operation: Operation = { ...verb, ...said, ...(letter && { letter }) };
    try {
      const { answer } = await this.service.submit({
        sagaId,
        bound,
        headers,
        happening: { type: 'operated', operation },
      });
      return answer!;
    } catch (error) {
      if (!(error instanceof FenceConflict))
        throw toldToCaller(error, this.service.participant.service, { sagaId, step: bound.node.name });
      throw new SagaError(
        'OPERATION_CONFLICT',
        `Step "${bound.node.name}" of saga ${sagaId} is changed by others all the time; nothing was done, say it again.`,
        { sagaId, step: bound.node.name, retriable: true },
        { cause: error },
      );
    }
  }
}

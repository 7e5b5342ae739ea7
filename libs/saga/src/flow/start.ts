import type { StandardSchemaV1 } from '@standard-schema/spec';
import { InvalidEventData, type EventClass, type EventInstance } from '../definition/domain-event.js';
import { outsideEventFrom } from '../definition/outside-data.js';
import { fingerprintOf } from '../definition/fingerprint.js';
import type { SagaGraph } from '../definition/saga-definition.js';
import type { SagaHeaders } from '../protocol/envelope.js';
import { SagaError } from '../protocol/errors.js';
import { reasonOf, shortened } from '../protocol/reason.js';
import type { StepStatus } from '../protocol/step-state.js';
import type { Chance } from '../ports/clock.js';
import type { FenceRow, StoredEvent } from '../ports/fence-row.js';
import type { Delivery, Settled } from './delivery.js';
import { refuseElsewhere } from './fleet/elsewhere.js';
import type { Participant } from './participant.js';
import { checkedOptions, refuseUnfitInput } from './start-checks.js';

export interface StartOptions {
  /** A business key: the saga id is derived from it, so a second start with the same key finds the first saga. */
  readonly key?: string;
  /** The outside request; default: the saga id. */
  readonly correlationId?: string;
}

/** What a start came to. */
export interface Started {
  readonly sagaId: string;
  /** Where the source step stands now: `done` or `rejected` after a start, `running` when its method runs outside or is retried. */
  readonly step: StepStatus;
  /** The saga had been started before, with this key. */
  readonly existing: boolean;
  /** The data of the source's event, once it is done or rejected: by default a rejection has `{ failedStep, reason }`. */
  readonly event?: object;
}

type Submit = (delivery: Delivery) => Promise<Settled>;

/**
 * Starts a saga: runs the source step's method in one transaction with its row and its event.
 *
 * @throws SagaError `SAGA_NOT_STARTED_HERE` when the source is a step of another service; `INVALID_START_INPUT` when the input does not match
 * the definition's schema, or is none that JSON can carry; `START_INPUT_TOO_LARGE`; `INVALID_START_KEY`; `INVALID_CORRELATION_ID`; `STORE_UNAVAILABLE` or `CONFLICT`, retriable, when the database, and no step, failed; otherwise what the method throws, and then nothing is left behind
 */
export async function startSaga(
  participant: Pick<Participant, 'steps' | 'chance' | 'service' | 'settings' | 'announcer'>,
  submit: Submit,
  saga: SagaGraph,
  input: unknown,
  options?: StartOptions,
): Promise<Started> {
  const { chance } = participant;
  const { key, correlationId } = checkedOptions(options);
  const sagaId = key === undefined ? chance.newId() : idOfKey(chance, saga, key);
  const headers = {
    sagaId,
    sagaType: saga.name,
    sagaVersion: saga.version,
    graph: fingerprintOf(saga),
    correlationId: correlationId ?? sagaId,
    partitionKey: sagaId,
  };
  const taken = takenInput(saga, input, participant.settings.maxEventBytes);
  const { happening, ...delivery } = startDelivery(participant, saga, headers, taken);
  const minted = key === undefined;
  const begun = begunBy(await submit({ ...delivery, happening: { ...happening, attended: true, minted } }));
  return minted ? { ...begun, existing: false } : begun;
}

/** The id of the saga that is started with a key. */
export function idOfKey(chance: Pick<Chance, 'derivedId'>, saga: SagaGraph, key: string): string {
  return chance.derivedId(`${saga.name}:${key}`);
}

/** Begins a saga in this service.
 *
 * @throws SagaError `SAGA_NOT_STARTED_HERE`
 */
export function startDelivery(
  participant: Pick<Participant, 'steps' | 'service' | 'announcer'>,
  saga: SagaGraph,
  headers: SagaHeaders,
  input: unknown,
  causationId?: string,
): Delivery & { readonly happening: { readonly type: 'signal' } } {
  const bound = participant.steps.find(saga, saga.source);
  if (!bound) {
    throw new SagaError(
      'SAGA_NOT_STARTED_HERE',
      `Saga "${saga.name}" version ${saga.version} starts with step "${saga.source}", which service "${participant.service}" does not implement; start it where @SagaStep(${saga.source}) is.`,
      { step: saga.source },
    );
  }
  refuseElsewhere(participant, bound);
  participant.announcer?.beginning(saga);
  const event: StoredEvent = { type: saga.steps[saga.source]!.on?.type ?? '', data: input as object };
  return {
    sagaId: headers.sagaId,
    bound,
    headers,
    happening: {
      type: 'signal',
      signal: { type: 'started' },
      input: { from: saga.source, event, instance: input },
      ...(causationId !== undefined && { causationId }),
    },
  };
}

/**
 * A start input, checked against what the definition says of it, whose schema is applied here and never again.
 *
 * @throws SagaError `INVALID_START_INPUT`, `START_INPUT_TOO_LARGE`
 */
export function takenInput(saga: SagaGraph, input: unknown, mostBytes: number): unknown {
  const taken = accepted(saga, input);
  refuseUnfitInput(saga, taken, mostBytes);
  return taken;
}

function accepted(saga: SagaGraph, input: unknown): unknown {
  const { on, input: schema } = saga.steps[saga.source]!;
  if (on) return outsideEvent(saga, on, input);
  if (!schema) return input;
  const result = validated(saga, schema, input);
  if (result instanceof Promise) {
    result.catch(() => undefined); // nobody waits for it
    throw new SagaError(
      'INVALID_START_INPUT',
      `The input schema of saga "${saga.name}" is asynchronous; use a synchronous one.`,
    );
  }
  if (!result.issues) return result.value;
  throw invalidInput(
    saga,
    result.issues.map(
      (issue) =>
        `${issue.path?.map((part) => String(typeof part === 'object' ? part.key : part)).join('.') ?? 'input'}: ${issue.message}`,
    ),
  );
}

/** A schema looks at whatever it is given, and that may fight back. */
function validated(saga: SagaGraph, schema: StandardSchemaV1, input: unknown) {
  try {
    return schema['~standard'].validate(input);
  } catch (error) {
    throw invalidInput(saga, [`its schema threw: ${reasonOf(error)}`], error);
  }
}

function outsideEvent(saga: SagaGraph, on: EventClass, input: unknown): EventInstance {
  try {
    return outsideEventFrom(on, input);
  } catch (error) {
    throw invalidInput(saga, error instanceof InvalidEventData ? error.issues : [reasonOf(error)], error);
  }
}

function invalidInput(saga: SagaGraph, issues: readonly string[], cause?: unknown): SagaError {
  const said = shortened(issues.join('; '));
  const facts = { step: saga.source, retriable: false };
  return new SagaError('INVALID_START_INPUT', `Saga "${saga.name}" cannot start with this input: ${said}.`, facts, {
    cause,
  });
}

/** What is told of a start. */
export function begunBy({ row, verdict }: Settled): Started {
  return {
    sagaId: row.sagaId,
    step: row.status,
    existing: verdict !== 'handled' && verdict !== 'retried',
    ...resultOf(row),
  };
}

function resultOf(row: FenceRow): { readonly event?: object } {
  return row.result ? { event: row.result.data } : {};
}

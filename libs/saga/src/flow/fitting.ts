import { eventFrom } from '../definition/domain-event.js';
import { difference, isPlainTwin } from '../definition/json-data.js';
import { branchesOf } from '../protocol/branches.js';
import { eventClassOf } from '../protocol/envelope.js';
import { SagaError } from '../protocol/errors.js';
import { reasonOf } from '../protocol/reason.js';
import { unfitAttribute } from '../protocol/wire.js';
import type { BoundStep } from './bound-step.js';
import { carried } from './carried.js';
import type { StepResult } from './delivery.js';
import { partitionKeyOf } from './take.js';

const outcomes = { effectRecorded: 'done', skipped: 'skipped', rejected: 'rejected', undone: 'compensated' } as const;

/**
 * What a method came to, once it is certain that the others can take its event: that it fits a record, and that what arrives of it still matches
 * its schema. Otherwise all of them would refuse it, one by one, and the saga would wait for ever.
 *
 * @throws SagaError `EVENT_TOO_LARGE`, `EVENT_NOT_PORTABLE`, `INVALID_PARTITION_KEY` or `INVALID_BRANCHES`
 */
export function fitting(bound: BoundStep, result: StepResult, mostBytes: number): StepResult {
  if (bound.hears) return result;
  const { type, data } = result.event;
  const arriving = carried(data, mostBytes);
  if ('refused' in arriving && arriving.refused === 'tooLarge') {
    const remedy =
      'keep large data elsewhere and name it in the event, or raise settings.maxEventBytes, and with it what the transport takes';
    throw refused(bound, 'EVENT_TOO_LARGE', `Event "${type}" is too large: ${arriving.why}; ${remedy}.`);
  }
  const why = 'refused' in arriving ? arriving.why : mismatch(bound, result, arriving.data);
  if (why !== undefined) throw refused(bound, 'EVENT_NOT_PORTABLE', `Event "${type}" cannot be sent: ${why}.`);
  refuseUnfitHeaders(bound, result);
  return result;
}

function mismatch({ saga, node }: BoundStep, result: StepResult, arriving: unknown): string | undefined {
  const { type, data } = result.event;
  const eventClass = eventClassOf(saga, { step: node.name, outcome: outcomes[result.type], type });
  if (!eventClass) return undefined;
  try {
    const place = otherPlace({ ...data }, { ...eventFrom(eventClass, arriving) });
    return (
      place &&
      `what arrives of it is other data at "${place.join('.')}"; leave the event as it was made, and declare all that it has in its schema`
    );
  } catch (error) {
    return `what arrives of it no longer matches its schema, use types that JSON has (an ISO text for a Date) and a schema that accepts its own output: ${reasonOf(error)}`;
  }
}

function otherPlace(data: object, arrived: object): readonly string[] | undefined {
  return isPlainTwin(data, arrived) ? undefined : difference(data, arrived);
}

/** What the source's event gives to all events of its saga. */
function refuseUnfitHeaders(bound: BoundStep, result: StepResult): void {
  if (result.type !== 'effectRecorded') return;
  if (bound.node.name === bound.saga.source) branchesOf(bound.saga, result.event.data);
  const why = unfitAttribute(partitionKeyOf(bound, result.event) ?? '');
  if (why === undefined) return;
  const { partitionBy } = bound.saga;
  throw refused(bound, 'INVALID_PARTITION_KEY', `"${partitionBy}" cannot key the records of the saga: it ${why}.`);
}

function refused({ saga, node }: BoundStep, code: string, message: string): SagaError {
  return new SagaError(code, `Step "${node.name}" of saga "${saga.name}": ${message}`, {
    step: node.name,
    retriable: false,
  });
}

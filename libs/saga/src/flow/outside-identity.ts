import type { OpenedRecord } from '../protocol/cloud-event.js';
import { reasonOf } from '../protocol/reason.js';
import { attributeText, PoisonRecord } from '../protocol/wire.js';
import type { IncomingRecord } from '../ports/transport.js';
import { outsideRecord, type OutsideOptions } from './outside-record.js';

/** What tells a record of an outside event from all others, and is the same when it is delivered again. */
export interface OutsideIdentity {
  readonly name: string;
  /** It is the record's place in its topic: who sends the event twice starts two sagas. */
  readonly isPlace: boolean;
}

/**
 * A CloudEvent is known by its source and id; another record by what the application says, else by its place in its topic. Never by its key: that is
 * what records have in common.
 *
 * @param given `data` is what the event's schema is given
 * @throws PoisonRecord when there is nothing of all this
 */
export function identityOf(
  attributes: OpenedRecord['attributes'],
  given: { readonly record: IncomingRecord; readonly data: unknown; readonly options: OutsideOptions },
): OutsideIdentity {
  const id = attributeText(attributes, 'id');
  if (id !== undefined) return { name: `${attributeText(attributes, 'source') ?? ''}:${id}`, isPlace: false };
  const said = saidOf(given);
  if (said !== undefined) return { name: said, isPlace: false };
  const { topic, partition, offset, stamp } = given.record.origin;
  if (offset !== undefined) return { name: JSON.stringify([topic, partition, offset, stamp]), isPlace: true };
  throw new PoisonRecord(
    'it starts a saga, but has no CloudEvents id, no identity of the application and no offset, so its redelivery could not be told',
  );
}

function saidOf({ record, data, options }: Parameters<typeof identityOf>[1]): string | undefined {
  if (!options.identity) return undefined;
  const said = asked(() => options.identity!({ ...outsideRecord(record), data }));
  if (said === undefined || said === null || said === '') return undefined;
  if (typeof said !== 'string' && typeof said !== 'number')
    throw new PoisonRecord(`its identity is of type ${typeof said}; return a text from outside[...].identity, at once`);
  return String(said).replaceAll(/\p{Cs}/gu, '\uFFFD');
}

function asked(identity: () => unknown): unknown {
  try {
    return identity();
  } catch (error) {
    throw new PoisonRecord(`outside[...].identity threw: ${reasonOf(error)}`);
  }
}

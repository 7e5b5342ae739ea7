import type { EventInstance } from '../definition/domain-event.js';
import type { SagaGraph } from '../definition/saga-definition.js';
import { fingerprintOf } from '../definition/fingerprint.js';
import { shortened } from '../protocol/reason.js';
import type { Delivery, Settled } from './delivery.js';
import type { Participant } from './participant.js';
import { begunBy, idOfKey, startDelivery, type Started } from './start.js';

/** An event from outside that starts sagas. */
export interface OutsideEvent {
  /** The same when it comes again: it starts one saga of a definition. */
  readonly identity: string;
  readonly instance: EventInstance;
  readonly correlationId?: string;
  readonly causationId?: string;
  /** An older version knew the record by its key, and may have handled it: then the saga of that key is its own. */
  readonly keyedBefore?: { readonly key: string; readonly writtenAt: number };
}

type Ground = Pick<Participant, 'steps' | 'chance' | 'service' | 'store' | 'outside' | 'logger' | 'announcer'>;
type Submit = (delivery: Delivery) => Promise<Settled>;

/** How far the clocks of a producer and of the database may be apart, ms. */
const clockSkew = 60_000;

/** Starts a saga from an outside event of its definition; the same event starts one saga only. Nobody waits for it: a source that fails is attempted again. */
export async function startFromEvent(
  ground: Ground,
  submit: Submit,
  saga: SagaGraph,
  event: OutsideEvent,
): Promise<Started> {
  const started = await startedOnce(ground, submit, saga, event);
  if (started.existing) tellKnown(ground, saga, event);
  return started;
}

/** Mostly a redelivery, but an identity that events have in common would swallow them: nobody would look for that where nothing is said. */
function tellKnown({ outside, logger }: Ground, saga: SagaGraph, { identity }: OutsideEvent): void {
  const line = `An event that starts saga "${saga.name}" has come again: "${shortened(identity, 200)}" is known and starts nothing. This is said once; the tally counts all of them as duplicates.`;
  outside.once(`known ${saga.name}`, () => logger.log(line));
}

async function startedOnce(ground: Ground, submit: Submit, saga: SagaGraph, event: OutsideEvent): Promise<Started> {
  const { keyedBefore, identity } = event;
  const sagaId = idOf(ground, saga, identity);
  const begin = async (): Promise<Started> => begunBy(await submit(delivery(ground, saga, event, sagaId)));
  if (!keyedBefore || keyedBefore.key === identity) return begin();
  const keyed = idOf(ground, saga, keyedBefore.key);
  return ground.outside.inTurn(keyed, async () => {
    const started = await startedByKey(ground, submit, delivery(ground, saga, event, keyed), event);
    return started ?? begin();
  });
}

/**
 * The saga of a record's key, if this very record started it. While replicas of an older version run beside this one, the first record of a key starts
 * that saga, whoever handles it, so that neither starts another for it; a row of this version says by which record. A row of an older version is
 * given to the first record that may have started it, for good.
 */
async function startedByKey(
  { store, outside }: Ground,
  submit: Submit,
  { happening, ...first }: ReturnType<typeof startDelivery>,
  { identity, keyedBefore }: OutsideEvent,
): Promise<Started | undefined> {
  const known = outside.starterOf(first.sagaId);
  if (known !== undefined && known !== identity) return undefined;
  const savedAt = await store.savedAt({ sagaId: first.sagaId, step: first.bound.node.name });
  const isLater = savedAt !== undefined && savedAt.getTime() + clockSkew < keyedBefore!.writtenAt;
  const settled = await submit({ ...first, happening: { ...happening, startedBy: { record: identity, isLater } } });
  const { startedBy } = settled.row;
  if (startedBy !== undefined) outside.remember(first.sagaId, startedBy);
  return startedBy === identity ? begunBy(settled) : undefined;
}

function idOf({ chance }: Ground, saga: SagaGraph, name: string): string {
  return idOfKey(chance, saga, name);
}

function delivery(
  ground: Ground,
  saga: SagaGraph,
  event: OutsideEvent,
  sagaId: string,
): ReturnType<typeof startDelivery> {
  const { instance, correlationId, causationId } = event;
  const headers = {
    sagaId,
    sagaType: saga.name,
    sagaVersion: saga.version,
    graph: fingerprintOf(saga),
    correlationId: correlationId ?? sagaId,
    partitionKey: sagaId,
  };
  return startDelivery(ground, saga, headers, instance, causationId);
}

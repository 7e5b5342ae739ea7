import type { Envelope } from '../protocol/envelope.js';
import { shortened } from '../protocol/reason.js';
import { PoisonRecord } from '../protocol/wire.js';
import type { IncomingRecord } from '../ports/transport.js';
import { bury } from './dead-letter.js';
import type { Delivery, Settled } from './delivery.js';
import type { Audience } from './bound-step.js';
import { deliveriesOf, sagaEventOf } from './intake.js';
import type { OutsideSource } from './bound-steps.js';
import { isNoneOfOurs, isSagaEvent, outsideSourcesOf, outsideStarts } from './outside-event.js';
import { parkVersion } from './versions/park-version.js';
import type { Participant } from './participant.js';
import { startFromEvent } from './start-from-event.js';
import { refuseUnknownAround } from './versions/unknown-around.js';
import { passOn, placedDeliveries, startedHere } from './fleet/passing.js';
import { LeftToOthers } from './versions/unknown-version.js';
import { OtherGraph } from './versions/other-graph.js';

type Submit = (delivery: Delivery) => Promise<Settled>;

/**
 * Takes the records of a batch: each is a saga event for this service's steps, the outside event that starts a saga, or poison.
 * Resolves when all of it is durable. Rejects when something could not be settled or put away: then the whole batch
 * comes again, and what was settled is recognized.
 */
export async function receive(
  participant: Participant,
  submit: Submit,
  audience: Audience,
  records: readonly IncomingRecord[],
): Promise<void> {
  const settling = records.flatMap((record) => receiveOne(participant, submit, audience, record) ?? []);
  if (settling.length === 0) return;
  const endings = await Promise.allSettled(settling);
  const failed = endings.find((ending) => ending.status === 'rejected');
  if (failed) throw failed.reason;
}

/**
 * Receives a record that was put away.
 *
 * @throws PoisonRecord when it still cannot be received
 */
export async function receiveAgain(
  participant: Participant,
  submit: Submit,
  audience: Audience,
  record: IncomingRecord,
): Promise<void> {
  const sources = audience === 'steps' ? outsideSourcesOf(participant, record) : [];
  await (sources.length > 0
    ? startBy(participant, submit, record, sources)
    : receiveSagaEvent(participant, submit, audience, record));
}

/**
 * Receives a record that waited for a process that can. What turns out to be no event goes to the dead letters.
 *
 * @returns whether it was taken; not, when it has to wait on
 */
export async function takeParked(
  participant: Participant,
  submit: Submit,
  audience: Audience,
  record: IncomingRecord,
): Promise<boolean> {
  try {
    await receiveAgain(participant, submit, audience, record);
  } catch (error) {
    if (leftToOthers(error)) return false;
    await putAway(participant, audience, record, error);
  }
  return true;
}

/** @returns nothing when there is nothing to wait for: what concerns nobody here, as most of a topic does, costs no promise */
function receiveOne(
  participant: Participant,
  submit: Submit,
  audience: Audience,
  record: IncomingRecord,
): Promise<void> | undefined {
  try {
    const sources = audience === 'steps' ? outsideSourcesOf(participant, record) : [];
    if (sources.length > 0) return receiveOutsideEvent(participant, submit, record, sources);
    if (participant.steps.outsideSources.length > 0 && isNoneOfOurs(participant, record))
      return ignore(participant, audience, record);
    const settling = receiveSagaEvent(participant, submit, audience, record);
    return settling?.catch((error: unknown) => putAway(participant, audience, record, error));
  } catch (error) {
    return putAway(participant, audience, record, error);
  }
}

function receiveSagaEvent(
  participant: Participant,
  submit: Submit,
  audience: Audience,
  record: IncomingRecord,
): Promise<void> | undefined {
  const { steps, announcer } = participant;
  const known = sagaEventOf(steps, audience, record, announcer?.fleet);
  const all = known ? deliveriesOf(steps, audience, known.event, known.instance) : [];
  refuseUnknownAround(steps, all);
  const deliveries = announcer ? placedDeliveries(announcer.fleet, record, all) : all;
  const wanted = announcer && known ? announcer.fleet.wantedByOthers(audience, known.saga, known.event) : [];
  if (known && wanted.length > 0)
    return settleAndLeave(participant, submit, audience, record, known.event, deliveries, wanted);
  if (known && deliveries.length > 0) return settle(participant, submit, audience, record, known.event, deliveries);
  participant.tally.count('ignored');
  return undefined;
}

/** What is for steps of other replicas as well is left to them when what is for ours is settled. */
async function settleAndLeave(
  participant: Participant,
  submit: Submit,
  audience: Audience,
  record: IncomingRecord,
  event: Envelope,
  deliveries: readonly Delivery[],
  wanted: readonly string[],
): Promise<void> {
  if (deliveries.length > 0) await settle(participant, submit, audience, record, event, deliveries);
  const steps = wanted.map((step) => `"${step}"`).join(', ');
  const why = `another replica of this service has ${steps} of saga "${event.sagaType}" version ${event.sagaVersion}, this one has not`;
  throw new LeftToOthers(event.sagaType, event.sagaVersion, why, {
    wanted,
    ...(event.graph !== undefined && { graph: event.graph }),
  });
}

async function settle(
  participant: Participant,
  submit: Submit,
  audience: Audience,
  record: IncomingRecord,
  event: Envelope,
  deliveries: readonly Delivery[],
): Promise<void> {
  const settled = deliveries.length === 1 ? [await submit(deliveries[0]!)] : await Promise.all(deliveries.map(submit));
  const passed = settled.filter(({ verdict }) => verdict === 'passed');
  if (passed.length > 0) await passOn(participant, record, deliveries.filter((_, index) => settled[index]!.verdict === 'passed')); // prettier-ignore
  const taken = settled.some(({ verdict }) => verdict === 'handled' || verdict === 'retried');
  if (taken && isNews(participant, audience, event)) participant.mirror(event);
}

/** Other kinds of events share the topic of an outside event. The listeners' group reads it, too, and finds all of that foreign. */
function ignore(
  { tally, outside, logger }: Participant,
  audience: Audience,
  { origin, headers }: IncomingRecord,
): undefined {
  tally.count('ignored');
  if (audience === 'listeners') return;
  const type = headers['ce_type'] ?? 'unnamed';
  const line = `Topic "${origin.topic}" carries events that are none of this service's sagas ("${shortened(type, 200)}"); they are counted as ignored.`;
  outside.once(`foreign ${origin.topic}`, () => logger.log(line));
}

async function receiveOutsideEvent(
  participant: Participant,
  submit: Submit,
  record: IncomingRecord,
  sources: readonly OutsideSource[],
): Promise<void> {
  try {
    await startBy(participant, submit, record, sources);
  } catch (error) {
    await putAway(participant, 'steps', record, error);
  }
}

/** Starts every saga whose definition names the event, which may be one of another saga. */
async function startBy(
  participant: Participant,
  submit: Submit,
  record: IncomingRecord,
  sources: readonly OutsideSource[],
): Promise<void> {
  const starts = await outsideStarts(participant, record, startedHere(participant, sources));
  if (starts.length === 0) participant.tally.count('ignored');
  await Promise.all(starts.map(({ saga, event }) => startFromEvent(participant, submit, saga, event)));
  if (isSagaEvent(record)) await receiveSagaEvent(participant, submit, 'steps', record);
}

async function putAway(
  participant: Participant,
  audience: Audience,
  record: IncomingRecord,
  error: unknown,
): Promise<void> {
  const left = leftToOthers(error);
  if (left) return parkVersion(participant, audience, record, left);
  if (!(error instanceof PoisonRecord)) throw error;
  await bury(participant, audience, record, error);
}

/** An event that did not say its graph may meet a row of another one. */
function leftToOthers(error: unknown): LeftToOthers | undefined {
  if (error instanceof LeftToOthers) return error;
  if (!(error instanceof OtherGraph)) return undefined;
  const { saga, graph, why } = error;
  return new LeftToOthers(saga.sagaType, saga.sagaVersion, why, { graph });
}

/** Each event is mirrored once in a service: its own when it emits them, another's when its steps take it, or its listeners where no step does. */
function isNews(participant: Participant, audience: Audience, event: Envelope): boolean {
  if (event.source === `/${participant.service}`) return false;
  return audience === 'steps' || deliveriesOf(participant.steps, 'steps', event).length === 0;
}

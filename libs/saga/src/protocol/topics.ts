import type { SagaGraph } from '../definition/saga-definition.js';
import { abortRequested, compensationFailed, type Envelope } from './envelope.js';

/** What a topic is chosen by. */
export type TopicSubject = Pick<Envelope, 'sagaType' | 'type'>;

/**
 * Names the topic of an event. `perSaga` (default): `saga.task-assignment`. `perType`: `task.created`. `perDomain`: `task-events`,
 * by the part of the type before the first dot. Or a function of the event.
 */
export type TopicNaming = 'perSaga' | 'perType' | 'perDomain' | ((event: TopicSubject) => string);

/** The records that are no saga events. */
export const deadLetterTopic = 'saga.dead-letters';

/** Where services tell each other what they have: compacted, with one partition. */
export const announcementTopic = 'saga.announcements';

export interface Topics {
  of(event: TopicSubject): string;
  /** Every topic on which an event of this saga may appear. */
  ofSaga(saga: SagaGraph): readonly string[];
  /** Where an outside event that starts a saga is looked for: a topic of its own unless topics are per domain. */
  outside(type: string): string;
  readonly deadLetters: string;
  readonly announcements: string;
  /** A consumer group's name, under the prefix. */
  group(name: string): string;
}

/** @param prefix put before every topic and group (`test.`) */
export function topicsNamed(naming: TopicNaming, prefix = ''): Topics {
  const choose = chooser(naming);
  const of = (event: TopicSubject): string =>
    prefix + (event.type === compensationFailed ? compensationFailed : choose(event));
  return {
    of,
    ofSaga: (saga) => [...new Set(typesOf(saga).map((type) => of({ sagaType: saga.name, type })))],
    outside: (type) => (naming === 'perDomain' ? of({ sagaType: '', type }) : prefix + type),
    deadLetters: prefix + deadLetterTopic,
    announcements: prefix + announcementTopic,
    group: (name) => prefix + name,
  };
}

function chooser(naming: TopicNaming): (event: TopicSubject) => string {
  switch (naming) {
    case 'perSaga':
      return (event) => `saga.${event.sagaType}`;
    case 'perType':
      return (event) => event.type;
    case 'perDomain':
      return (event) => `${event.type.split('.')[0]}-events`;
    default:
      return (event) => checked(naming(event), event);
  }
}

/** A function of the application's: a topic "undefined" could be made of it, and would be consumed. */
function checked(name: unknown, { sagaType, type }: TopicSubject): string {
  if (typeof name === 'string') return name;
  throw new TypeError(
    `The option topics gives ${name === null ? 'null' : typeof name} for event "${type}" of saga "${sagaType}"; return the name of a topic, a text, for every event.`,
  );
}

function typesOf(saga: SagaGraph): readonly string[] {
  return [...eventTypesOf(saga), abortRequested, compensationFailed];
}

/** Every type of event that the steps of a saga emit. */
export function eventTypesOf(saga: SagaGraph): readonly string[] {
  return Object.values(saga.steps).flatMap(({ events }) => [
    events.done.type,
    events.rejected.type,
    events.compensated.type,
    events.cancelled.type,
    events.defaults.rejected.type,
    events.defaults.compensated.type,
    ...(events.skipped ? [events.skipped.type] : []),
  ]);
}

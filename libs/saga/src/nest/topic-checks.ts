import type { SagaGraph } from '../definition/saga-definition.js';
import { compensationFailed } from '../protocol/envelope.js';
import { eventTypesOf, type Topics } from '../protocol/topics.js';

/** Topics that cannot exist, and topics of the library's own that the naming gives to events of a saga. */
export function topicViolations(sagas: readonly SagaGraph[], topics: Topics): readonly string[] {
  return [...illegal(sagas, topics), ...shared(sagas, topics)];
}

function illegal(sagas: readonly SagaGraph[], topics: Topics): readonly string[] {
  const names = new Set(sagas.flatMap((saga) => topics.ofSaga(saga)));
  return [...names]
    .filter((name) => !/^[A-Za-z0-9._-]{1,249}$/.test(name))
    .map(
      (name) =>
        `the option topics names a topic "${name}"; use up to 249 letters, digits, ".", "_" or "-", the prefix included`,
    );
}

function shared(sagas: readonly SagaGraph[], topics: Topics): readonly string[] {
  const own = [topics.deadLetters, topics.announcements, topics.of({ sagaType: '', type: compensationFailed })];
  return sagas.flatMap((saga) => {
    const used = eventTypesOf(saga).map((type) => topics.of({ sagaType: saga.name, type }));
    return own
      .filter((topic) => used.includes(topic))
      .map(
        (topic) =>
          `the option topics gives saga "${saga.name}" the topic "${topic}", which the library keeps for ${topic === topics.announcements ? 'announcements' : 'dead letters'}; name another`,
      );
  });
}

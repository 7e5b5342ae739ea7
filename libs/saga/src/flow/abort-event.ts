import { abortRequested, messageId, type Cause, type Envelope, type SagaHeaders } from '../protocol/envelope.js';
import type { Participant } from './participant.js';

/** Asks every participant to cancel what has not started. Each request is an event of its own: two may have other reasons, and an id stands for one content. */
export function abortEvent(
  { service, clock, chance }: Pick<Participant, 'service' | 'clock' | 'chance'>,
  headers: SagaHeaders,
  cause: Cause,
): Envelope {
  return {
    ...headers,
    id: `${messageId(headers.sagaId, 'saga', 'abortRequested')}:${chance.newId()}`,
    type: abortRequested,
    source: `/${service}`,
    time: clock.now().toISOString(),
    step: 'saga',
    outcome: 'abortRequested',
    cause,
    data: { reason: cause.reason },
  };
}

import { abortRequested, messageId, type Cause, type Envelope, type SagaHeaders } from '../protocol/envelope.js';
import type { Participant } from './participant.js';

/** Asks every participant to cancel what has not started. */
export function abortEvent(
  { service, clock }: Pick<Participant, 'service' | 'clock'>,
  headers: SagaHeaders,
  cause: Cause,
): Envelope {
  return {
    ...headers,
    id: messageId(headers.sagaId, 'saga', 'abortRequested'),
    type: abortRequested,
    source: `/${service}`,
    time: clock.now().toISOString(),
    step: 'saga',
    outcome: 'abortRequested',
    cause,
    data: { reason: cause.reason },
  };
}

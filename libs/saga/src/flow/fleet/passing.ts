import type { IncomingRecord } from '../../ports/transport.js';
import type { Delivery } from '../delivery.js';
import type { OutsideSource } from '../bound-steps.js';
import type { Participant } from '../participant.js';
import { LeftToOthers } from '../versions/unknown-version.js';
import { handoverHeader, type Fleet } from './fleet.js';

/**
 * Deliveries with what becomes of them where another service has the step.
 *
 * @throws LeftToOthers for a record that was passed on to this service before it has heard that it is the owner
 */
export function placedDeliveries(
  fleet: Fleet,
  record: IncomingRecord,
  deliveries: readonly Delivery[],
): readonly Delivery[] {
  if (fleet.isOrdinary && record.headers[handoverHeader] === undefined) return deliveries;
  return deliveries.map((delivery) => {
    const { bound, headers } = delivery;
    const unlessBegun = fleet.unlessBegun(bound, record);
    if (unlessBegun === undefined) return delivery;
    if (unlessBegun !== 'undecided') return { ...delivery, unlessBegun };
    const step = bound.node.branchOf?.step ?? bound.node.name;
    const why = `step "${step}" of saga "${headers.sagaType}" is passed on, and who takes it over is not heard yet`;
    throw new LeftToOthers(headers.sagaType, headers.sagaVersion, why, { wanted: [step] });
  });
}

/**
 * Gives a record to the service that has taken over steps of this one: the same record again, with who passes it on and for which steps. To everybody else it is a
 * redelivery.
 */
export async function passOn(
  { service, transport }: Pick<Participant, 'service' | 'transport'>,
  { origin, key, headers, value }: IncomingRecord,
  deliveries: readonly Delivery[],
): Promise<void> {
  const names = deliveries.map(({ bound: { node } }) => node.branchOf?.step ?? node.name);
  const said = JSON.stringify({ from: service, steps: [...new Set(names)] });
  await transport.publish([{ topic: origin.topic, key, headers: { ...headers, [handoverHeader]: said }, value }]);
}

/** The sagas that an outside event starts in this service: those whose source another one has are started there. */
export function startedHere(
  { steps, announcer }: Pick<Participant, 'steps' | 'announcer'>,
  starts: readonly OutsideSource[],
): readonly OutsideSource[] {
  if (!announcer || starts.length === 0) return starts;
  return starts.filter(({ saga }) => {
    const source = steps.find(saga, saga.source);
    return !source || !announcer.fleet.isElsewhere(source);
  });
}

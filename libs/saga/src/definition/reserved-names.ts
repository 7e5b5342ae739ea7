/** Topics and types of events that are the library's own, whatever topics are named by. */
export const reservedNames: readonly string[] = [
  'saga.dead-letters',
  'saga.compensation.failed',
  'saga.abort.requested',
];

/** A saga that would share the topic `saga.<name>` with the library. */
export function reservedSagaViolations(saga: string): string[] {
  const topic = `saga.${saga}`;
  if (!reservedNames.includes(topic)) return [];
  return [`its name would give it the topic "${topic}", which the library keeps for itself; give it another name`];
}

/** An event of a user's that would be taken for one of the library's. */
export function reservedTypeViolations(place: string, type: string): string[] {
  if (!reservedNames.includes(type)) return [];
  return [`${place} is an event "${type}", a name that the library keeps for itself; give the event another type`];
}

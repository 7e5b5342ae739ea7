/** Whether something is a UUID: ids are nothing else, and nothing else is looked for in a database. */
export function isUuid(candidate: unknown): boolean {
  return typeof candidate === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(candidate);
}

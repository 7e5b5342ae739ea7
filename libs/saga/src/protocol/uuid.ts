/** Whether a text is a UUID: ids are nothing else, and nothing else is looked for in a database. */
export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}

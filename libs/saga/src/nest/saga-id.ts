/** Whether a text can be the id of a saga: nothing else is looked for in a database. */
export function isSagaId(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}

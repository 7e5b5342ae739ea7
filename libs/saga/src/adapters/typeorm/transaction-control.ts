const control =
  /^\s*(?:begin|start\s+transaction|commit|end|abort|prepare\s+transaction|rollback(?!\s+(?:(?:work|transaction)\s+)?to\b))\b/i;

/** Whether a statement begins or ends a transaction; those about savepoints do not. */
export function endsTransaction(text: unknown): boolean {
  return typeof text === 'string' && control.test(text);
}

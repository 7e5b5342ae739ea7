import { appendFileSync } from 'node:fs';

const file = process.env['CHAOS_JOURNAL'];

/** One line for each fault that came true in this process, written before it does its harm: the process may not live to tell. */
export function journal(line: string): void {
  if (file !== undefined) appendFileSync(file, `${line}\n`);
}

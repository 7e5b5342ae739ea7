import { readFileSync } from 'node:fs';
import { NewTask } from '@samples/contracts';
import { z } from 'zod';

const Request = z.strictObject({
  ...NewTask.shape,
  idempotencyKey: z.string().optional(),
  /** The step that is expected to say no; without one the task is expected to be assigned. */
  refusedAt: z.enum(['assignUser', 'sendNotification']).optional(),
});
export type Request = z.output<typeof Request>;

const Waves = z.record(z.string(), z.array(Request).min(1));

/** The tasks of requests.json by wave: those of a wave are submitted once all before it are settled. */
export function readRequests(): readonly (readonly [wave: string, requests: readonly Request[]])[] {
  const file = readFileSync('scripts/demo/requests.json', 'utf8'); // npm runs scripts in the project's folder
  return Object.entries(Waves.parse(JSON.parse(file)));
}

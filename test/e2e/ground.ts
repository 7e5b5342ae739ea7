import { onTestFinished } from 'vitest';
import type { Ground } from '../../scripts/demo/services.js';
import { startMailCatcher } from '../../scripts/services/mail.js';
import { freshDatabase } from '../support/database.js';

/** A database for each service and a mail catcher, for one test. */
export async function freshGround(): Promise<Ground> {
  const mail = await startMailCatcher();
  onTestFinished(() => mail.stop());
  const [task, assignment, notification] = await Promise.all([freshDatabase(), freshDatabase(), freshDatabase()]);
  return { databases: { task, assignment, notification }, mail };
}

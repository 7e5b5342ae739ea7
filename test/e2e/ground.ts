import type { Ground } from '../../scripts/demo/services.js';
import { startMailCatcher, type MailCatcher } from '../../scripts/services/mail.js';
import { freshDatabase } from '../support/database.js';

/** A database for each service that no other test uses, and a mail catcher, to be stopped. */
export async function freshGround(given?: MailCatcher): Promise<Ground> {
  const mail = given ?? (await startMailCatcher());
  const [task, assignment, notification] = await Promise.all([freshDatabase(), freshDatabase(), freshDatabase()]);
  return { databases: { task, assignment, notification }, mail };
}

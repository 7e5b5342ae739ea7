import type { FenceRow } from '../../ports/fence-row.js';
import type { Participant } from '../participant.js';

/** How long a row that this process cannot attempt is left to those that can, ms. */
const leftToOthers = 5_000;

/**
 * Gives up the claim of a row whose step this process has no method for: while a service is deployed anew, a replica of the other version has. The
 * row is due again soon, and not for everybody at once.
 */
export async function handBack(
  { store, chance }: Pick<Participant, 'store' | 'chance'>,
  claimed: FenceRow,
): Promise<void> {
  await store.transaction([claimed], async (transaction) => {
    const rows = transaction.rows.filter(({ version }) => version === claimed.version);
    const dueIn = leftToOthers * (1 + chance.random() / 5);
    await transaction.save({ rows: rows.map((row) => ({ ...row, dueIn })), staged: [], published: [] });
  });
}

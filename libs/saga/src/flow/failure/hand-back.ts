import type { Chance } from '../../ports/clock.js';
import type { FenceRow } from '../../ports/fence-row.js';
import type { Participant } from '../participant.js';

/** How long what this process cannot see to is left to those that can, ms: not long, and not for everything at once. */
export function leftToOthers(chance: Chance): number {
  return Math.round(5_000 * (1 + chance.random() / 5));
}

/**
 * Gives up the claim of a row whose step this process has no method for: while a service is deployed anew, a replica of the other version has. The
 * row is due again soon.
 */
export async function handBack(
  { store, chance }: Pick<Participant, 'store' | 'chance'>,
  claimed: FenceRow,
): Promise<void> {
  await store.transaction([claimed], async (transaction) => {
    const rows = transaction.rows.filter(({ version }) => version === claimed.version);
    const dueIn = leftToOthers(chance);
    await transaction.save({ rows: rows.map((row) => ({ ...row, dueIn })), staged: [], published: [] });
  });
}

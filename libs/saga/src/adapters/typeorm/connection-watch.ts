/** What the driver says of an error. */
interface Told {
  readonly code?: unknown;
  readonly severity?: unknown;
  readonly driverError?: unknown;
}

interface Wire {
  on(event: 'errorMessage', listener: (error: object) => void): unknown;
  on(event: 'readyForQuery', listener: (message: { readonly status?: string }) => void): unknown;
}

/** A client of `pg`, as far as it is looked at. */
interface Client {
  readonly connection?: Wire;
  readonly _queryable?: boolean;
  readonly _ended?: boolean;
}

const watches = new WeakMap<object, ConnectionWatch>();

/**
 * Hears what Postgres says on one connection, whoever sent the query and whatever became of its error since: a method may catch it, wrap it or go on.
 * So an error of this transaction is told from one of another database.
 */
export class ConnectionWatch {
  private said = new WeakSet<object>();
  private failed: object | undefined;

  private constructor(private readonly client: Client) {
    client.connection?.on('errorMessage', (error) => {
      this.said.add(error);
      this.failed ??= error;
    });
    client.connection?.on('readyForQuery', ({ status }) => {
      if (status === 'T') this.failed = undefined; // that part was rolled back to a savepoint
    });
  }

  /** The watch of a connection on which a transaction is about to begin; none of a client that cannot be watched. */
  static begin(client: Client): ConnectionWatch | undefined {
    if (!client.connection) return undefined;
    const watch = watches.get(client) ?? new ConnectionWatch(client);
    watches.set(client, watch);
    watch.said = new WeakSet();
    watch.failed = undefined;
    return watch;
  }

  /** The first error of the failed transaction; nothing while it is well. */
  get failure(): object | undefined {
    return this.failed;
  }

  /** The connection is gone, and with it the transaction. */
  get isLost(): boolean {
    const { _ended: hasEnded, _queryable: isQueryable } = this.client;
    return hasEnded === true || isQueryable === false;
  }

  /** The error of this connection that an error is, or was made of. */
  heardIn(error: unknown): object | undefined {
    return chainOf(error).find((one) => this.said.has(one));
  }
}

/** An error and what it was made of, however deeply a library wrapped it. */
export function chainOf(error: unknown): readonly (Error & Told)[] {
  const chain: (Error & Told)[] = [];
  for (let at = error; at instanceof Error && chain.length < 8 && !chain.includes(at);) {
    const { driverError, cause } = at as Error & Told;
    chain.push(at);
    at = driverError !== undefined && driverError !== at ? driverError : cause;
  }
  return chain;
}

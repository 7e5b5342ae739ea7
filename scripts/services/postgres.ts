import { Client, escapeIdentifier } from 'pg';
import { unprivilegedAccount } from './account.js';
import { onFreePorts } from './free-ports.js';
import { postgresBinaries } from './postgres-binaries.js';
import { dataDirectory, initializeData } from './postgres-data.js';
import { createHome } from './service-home.js';
import type { ServiceHome } from './service-home.js';
import { ServiceProcess } from './service-process.js';
import type { ServiceCommand } from './service-process.js';

export interface PostgresOptions {
  /** Default true: a commit is on disk. False for tests: faster, and a crash of the machine may lose everything. */
  readonly durable?: boolean;
  /** Server settings by their names in postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Where to keep the data beyond `stop`; made and initialized when empty. Default: temporary. */
  readonly directory?: string;
}

/** A real Postgres on a free port of 127.0.0.1. It ends with this process, however that ends. */
export interface Postgres {
  /** Of the database `postgres`, as superuser. */
  readonly url: string;
  /** Of the server's first process; another one after `restart`. */
  readonly pid: number;
  /** URL of the database of that name, which is created when there is none. */
  database(name: string): Promise<string>;
  /** Ends it as a crash does: no checkpoint, every session cut. The data stays for `restart`. */
  kill(): Promise<void>;
  /** Starts it again on the same port with the same data, ended or not. */
  restart(): Promise<void>;
  /** Ends it and removes what was temporary. May be called twice. */
  stop(): Promise<void>;
}

const READY_WITHIN_MS = 60_000;
const SAFE = { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' };
const FAST = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

function serverArguments(data: string, port: number, { durable = true, settings }: PostgresOptions): string[] {
  const sockets = { listen_addresses: '127.0.0.1', unix_socket_directories: '', max_connections: '200' };
  const all = Object.entries({ ...sockets, ...(durable ? SAFE : FAST), ...settings });
  return ['-D', data, '-p', String(port), ...all.flatMap(([name, value]) => ['-c', `${name}=${value}`])];
}

async function query<Row extends object>(url: string, sql: string, values: string[] = []): Promise<Row[]> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined); // a broken connection rejects the query as well
  try {
    await client.connect();
    return (await client.query<Row>(sql, values)).rows;
  } finally {
    await client.end();
  }
}

class EmbeddedPostgres implements Postgres {
  private process: ServiceProcess;

  constructor(
    private readonly command: ServiceCommand,
    private readonly home: ServiceHome,
    private readonly data: string,
    private readonly port: number,
  ) {
    this.process = new ServiceProcess(command, home);
  }

  get url(): string {
    return this.urlOf('postgres');
  }

  get pid(): number {
    return this.process.pid;
  }

  async database(name: string): Promise<string> {
    const found = await query(this.url, 'SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (found.length === 0) await query(this.url, `CREATE DATABASE ${escapeIdentifier(name)}`);
    return this.urlOf(encodeURIComponent(name));
  }

  /** Fails while the server starts, and when a server that was faster on this port answers for it. */
  async untilReady(): Promise<void> {
    await this.process.untilReady(async () => {
      const [row] = await query<{ data_directory: string }>(this.url, 'SHOW data_directory');
      if (row?.data_directory !== this.data) throw new Error(`another Postgres answers on port ${this.port}`);
    }, READY_WITHIN_MS);
  }

  async kill(): Promise<void> {
    await this.process.end('SIGQUIT');
  }

  async restart(): Promise<void> {
    await this.process.end('SIGINT');
    this.process = new ServiceProcess(this.command, this.home);
    await this.untilReady();
  }

  async stop(): Promise<void> {
    await this.process.end('SIGINT');
    await this.home.remove();
  }

  private urlOf(database: string): string {
    return `postgres://postgres@127.0.0.1:${this.port}/${database}`;
  }
}

export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres> {
  const account = unprivilegedAccount();
  const { initdb, postgres } = await postgresBinaries(account);
  const home = createHome('postgres', account);
  try {
    const data = dataDirectory(options.directory, home, account);
    await initializeData(initdb, data, account);
    return await onFreePorts(1, async ([port = 0]) => {
      const command = { name: 'Postgres', program: postgres, args: serverArguments(data, port, options), account };
      const server = new EmbeddedPostgres(command, home, data, port);
      await server.untilReady();
      return server;
    });
  } catch (error) {
    await home.remove();
    throw error;
  }
}

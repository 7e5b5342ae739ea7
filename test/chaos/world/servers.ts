import { startKafka, startOwnKafka, type Kafka } from '../../../scripts/services/kafka.js';
import { startMailCatcher, type MailCatcher } from '../../../scripts/services/mail.js';
import { startPostgres, type Postgres } from '../../../scripts/services/postgres.js';

/** What the services stand on. Faults that hurt a server need one that is ours: `postgres` or `kafka` is set then. */
export interface Servers {
  readonly databaseUrl: (name: string) => Promise<string>;
  readonly postgres?: Postgres;
  readonly brokers: readonly string[];
  readonly kafka?: Kafka;
  readonly mail: MailCatcher;
  stop(): Promise<void>;
}

/** A commit outlives a crash of the server, but not one of the machine: that is not what we break. */
const crashProof = { synchronous_commit: 'on', full_page_writes: 'on' };

/** Servers of our own; the broker is that of KAFKA_BROKERS where it is set. */
export async function startServers(nodes: number): Promise<Servers> {
  const [postgres, kafka, mail] = await Promise.all([
    startPostgres({ durable: false, settings: crashProof }),
    nodes > 1 ? startOwnKafka({ nodes, settings: { 'min.insync.replicas': '2' } }) : startKafka(),
    startMailCatcher(),
  ]);
  return {
    databaseUrl: (name) => postgres.database(name),
    postgres,
    brokers: kafka.brokers,
    ...(kafka.source !== 'given' && { kafka }),
    mail,
    stop: async () => void (await Promise.all([postgres.stop(), kafka.stop(), mail.stop()])),
  };
}

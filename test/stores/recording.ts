import { Client, type ClientConfig } from 'pg';

/** What a service says to its database: one entry per round trip, with the statements that it carries. */
export type Conversation = (readonly string[])[];

/** A driver's client that writes down what is said. */
export function recordingClient(conversation: Conversation): typeof Client {
  const record = (query: unknown): void => {
    const text = typeof query === 'string' ? query : textOf(query as Said);
    conversation.push(text.split(';').map(shortened));
  };
  return class RecordingClient extends Client {
    constructor(config?: string | ClientConfig) {
      super(config);
      const query = this.query.bind(this) as (...given: unknown[]) => unknown;
      this.query = ((...given: unknown[]) => {
        record(given[0]);
        return query(...given);
      }) as Client['query'];
    }
  };
}

interface Said {
  readonly text?: string;
  /** A stream's. */
  readonly cursor?: { readonly text: string };
}

function textOf({ text, cursor }: Said): string {
  return text ?? cursor?.text ?? '';
}

/** All statements, however they travelled; one that changes several tables counts as several. */
export function statements(conversation: Conversation): readonly string[] {
  return conversation.flat().flatMap((statement) => statement.split(' + '));
}

export function commits(conversation: Conversation): number {
  return statements(conversation).filter((statement) => statement === 'COMMIT').length;
}

/** Enough to tell statements apart: which tables they change, or what they read and lock, or their own words. */
function shortened(statement: string): string {
  const words = statement.trim().replace(/\s+/g, ' ');
  if (words.includes('nest_saga.token')) return words.startsWith('SET LOCAL') ? 'mark' : 'proof'; // of the transaction
  const changes = [...words.matchAll(/(INSERT INTO|UPDATE|DELETE FROM) (?:"\w+"\.)?"?([a-z]\w*)"?/g)];
  if (changes.length > 0) return changes.map(([, verb, table]) => `${verb} ${table}`).join(' + ');
  const [, table] = /FROM (?:\(SELECT .*? FROM )?(?:"\w+"\.)?"?(\w+)"?/.exec(words) ?? [];
  if (words.startsWith('SELECT') && table) return `SELECT ${table}${words.includes('FOR UPDATE') ? ' FOR UPDATE' : ''}`;
  return words;
}

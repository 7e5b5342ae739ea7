import { Client, type ClientConfig } from 'pg';

/** What a service says to its database: one line per round trip. */
export type Conversation = string[];

/** A driver's client that writes down what is said. */
export function recordingClient(conversation: Conversation): typeof Client {
  const record = (query: unknown): void => {
    const text = typeof query === 'string' ? query : (query as { readonly text: string }).text;
    conversation.push(shortened(text));
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

/** Enough to tell statements apart: their first words, what they lock, which tables they change. */
function shortened(text: string): string {
  return text
    .split(';')
    .map((statement) => {
      const words = statement.trim().replace(/\s+/g, ' ');
      const changes = [...words.matchAll(/(INSERT INTO|UPDATE|DELETE FROM) "?(\w+)"?/g)]
        .filter(([, , table]) => table !== 'SET')
        .map(([, verb, table]) => `${verb} ${table}`);
      if (changes.length > 0) return changes.join(' + ');
      const [, table] = /FROM "?(\w+)"?/.exec(words) ?? [];
      if (words.startsWith('SELECT') && table)
        return `SELECT ${table}${words.includes('FOR UPDATE') ? ' FOR UPDATE' : ''}`;
      return words;
    })
    .join('; ');
}

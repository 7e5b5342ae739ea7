import { Client, type ClientConfig } from 'pg';

export type Fault = 'begin' | 'commit' | 'answer';

/** The next fault of a database's clients, for the first transaction that comes so far. */
export class Faults {
  next: Fault | undefined;

  take(fault: Fault): boolean {
    if (this.next !== fault) return false;
    this.next = undefined;
    return true;
  }
}

const coded = (message: string, code: string): Error => Object.assign(new Error(message), { code });

/** A driver's client whose database fails transactions when it is told to. */
export function faultyClient(faults: Faults): typeof Client {
  return class FaultyClient extends Client {
    constructor(config?: string | ClientConfig) {
      super(config);
      const query = this.query.bind(this) as (...given: unknown[]) => Promise<unknown>;
      this.query = (async (...given: unknown[]) => {
        const text = typeof given[0] === 'object' ? (given[0] as { readonly text?: unknown }).text : given[0];
        const begins = typeof text === 'string' && text.startsWith('START TRANSACTION');
        const commits = typeof text === 'string' && text.endsWith('COMMIT');
        if (begins && faults.take('begin')) throw coded('the database system is starting up', '57P03');
        if (commits && faults.take('commit')) throw coded('could not extend file: No space left on device', '53100');
        const answer = await query(...given);
        if (!commits || !faults.take('answer')) return answer;
        (
          this as unknown as { readonly connection: { readonly stream: { destroy(): void } } }
        ).connection.stream.destroy();
        throw new Error('Connection terminated unexpectedly');
      }) as unknown as Client['query'];
    }
  };
}

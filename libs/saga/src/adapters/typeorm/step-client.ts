import type { Connection, PoolClient } from 'pg';
import type { StepConnection } from './step-connection.js';
import { connectionOfTheStep, oneStatementPerQuery } from './step-refusals.js';
import { StepStream } from './step-stream.js';
import type { Speaker } from './step-turns.js';

type Method = (...given: unknown[]) => unknown;
type Callback = (error: unknown, result?: unknown) => void;

/** A query that sends itself, such as a cursor, a stream or a COPY. */
interface Submittable {
  submit(wire: Connection): unknown;
  handleError: Method;
  handleReadyForQuery: Method;
  handlePortalSuspended?: Method | undefined;
  handleCopyInResponse?: Method | undefined;
}

/** What `pg` takes of a query that is an object; named one by one, as it may be an object of another library, with accessors. */
const fields = ['text', 'values', 'name', 'types', 'rowMode', 'rows', 'binary', 'portal', 'query_timeout'] as const;

/**
 * The driver's client as a step may use it: what it is asked goes through the connection of the step, statement by statement, and it cannot be
 * closed or given back.
 */
export function stepClient(client: PoolClient, connection: StepConnection, speaker: Speaker): PoolClient {
  const query = (given: unknown, values?: unknown, callback?: unknown): unknown => {
    if (isSubmittable(given)) return submitted(client, connection, speaker, given, values ?? callback);
    const told = [callback, values, (given as { callback?: unknown } | null)?.callback].find(isCallback);
    const answer = asked(client, connection, speaker, given, isCallback(values) ? undefined : values);
    if (!told) return answer;
    answer.then(
      (result) => told(null, result),
      (error: unknown) => told(error),
    );
    return undefined;
  };
  const own: Record<string | symbol, unknown> = {
    query,
    release: () => undefined,
    end: () => Promise.reject(connectionOfTheStep()),
  };
  return new Proxy(client, {
    get(target, property) {
      if (Object.hasOwn(own, property)) return own[property];
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** In the extended protocol, in which a text of several statements is an error of Postgres. */
async function asked(
  client: PoolClient,
  connection: StepConnection,
  speaker: Speaker,
  given: unknown,
  values: unknown,
): Promise<unknown> {
  const config: Record<string, unknown> = { queryMode: 'extended' };
  const from = typeof given === 'object' && given !== null ? (given as Record<string, unknown>) : { text: given };
  for (const field of fields) if (from[field] !== undefined) config[field] = from[field];
  if (values) config['values'] = values;
  const setting = connection.check(config['text'], config['values']);
  return connection.speak(speaker, async () => {
    try {
      if (setting) await connection.note(setting);
      return await sender(client)(config);
    } catch (error) {
      throw isOfSeveral(error) ? oneStatementPerQuery(error) : error;
    }
  });
}

function submitted(
  client: PoolClient,
  connection: StepConnection,
  speaker: Speaker,
  given: Submittable,
  callback: unknown,
): unknown {
  const stream = new StepStream();
  const submit = given.submit.bind(given);
  given.submit = (wire) => {
    try {
      return submit(checkedWire(wire, connection, stream));
    } catch (error) {
      return error;
    }
  };
  hear(given, 'handleError', () => connection.streamed(stream));
  hear(given, 'handleReadyForQuery', () => connection.streamed(stream));
  hear(given, 'handlePortalSuspended', () => stream.suspend());
  hear(given, 'handleCopyInResponse', () => stream.suspend());
  const send = async (): Promise<void> => {
    connection.check(textOf(given)); // before it has a place on the wire: there its own error is followed by others
    connection.streams(stream);
    sender(client)(given, callback);
  };
  connection.speak(speaker, send).catch((error: unknown) => given.handleError(error, client));
  return given;
}

/** A stream of pg-query-stream keeps its text in its cursor. */
function textOf(given: Submittable): unknown {
  const { text, cursor } = given as { readonly text?: unknown; readonly cursor?: { readonly text?: unknown } };
  return text ?? cursor?.text;
}

function hear(query: Submittable, event: Exclude<keyof Submittable, 'submit'>, first: () => void): void {
  const method = query[event]?.bind(query);
  if (!method) return;
  query[event] = (...given) => {
    first();
    return method(...given);
  };
}

function sender(client: PoolClient): (...given: unknown[]) => unknown {
  return client.query.bind(client) as (...given: unknown[]) => unknown;
}

/** What is sent, whoever sends it: a text in the simple protocol may hold several statements. */
function checkedWire(wire: Connection, connection: StepConnection, stream: StepStream): Connection {
  const sends = wire as unknown as {
    query(text: string): void;
    parse(query: { readonly text: string }): void;
    execute(...given: unknown[]): void;
  };
  return Object.assign(Object.create(wire) as Connection, {
    query(text: string) {
      connection.checkAlone(text);
      sends.query.call(wire, text);
    },
    parse(query: { readonly text: string }) {
      connection.checkStream(query.text);
      sends.parse.call(wire, query);
    },
    execute(...given: unknown[]) {
      stream.resume();
      sends.execute.apply(wire, given);
    },
  });
}

function isSubmittable(given: unknown): given is Submittable {
  return typeof (given as Submittable | null)?.submit === 'function';
}

function isCallback(given: unknown): given is Callback {
  return typeof given === 'function';
}

function isOfSeveral(error: unknown): boolean {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  return code === '42601' && String(message).includes('multiple commands');
}

import { difference, isPlainTwin } from './json-data.js';
import { unlikeJson } from './unlike-json.js';

/** Data that stays what it is, or the first thing that does not, with its place. */
export type Lasting = { readonly data: object } | { readonly why: string };

/**
 * What is left of data that is written as JSON and read with its schema, provided that it is the same data.
 *
 * What a schema left as it was given, it leaves so again, as long as JSON has it; that is most events, and costs one look. Anything else is written
 * and read on trial, and what comes out is what the event has from then on: whoever makes it sees what others will.
 *
 * @param value what the schema made of `given`
 * @param read what arrives, read with the schema; it throws what the schema has against it
 */
export function lasting(value: object, given: unknown, read: (arriving: unknown) => object): Lasting {
  if (isPlainTwin(value, given)) return { data: value };
  try {
    const arrived = read(JSON.parse(JSON.stringify({ ...value })));
    const path = difference({ ...value }, { ...arrived });
    return path ? { why: whyOther(value, arrived, path) } : { data: arrived };
  } catch (error) {
    return { why: whyUnread(value, error) };
  }
}

const transformed =
  'a schema is applied wherever its event arrives, so it may not change what it has made: change the data before the event is made';

function whyOther(value: object, arrived: object, path: readonly string[]): string {
  return (
    whyUnlike(value) ??
    `${path.join('.')}: its schema makes ${told(at(arrived, path))} of ${told(at(value, path))}; ${transformed}`
  );
}

function whyUnread(value: object, error: unknown): string {
  const said = error instanceof Error ? error.message : 'it throws';
  return whyUnlike(value) ?? `its schema does not take what it has made: ${said} (${transformed})`;
}

function whyUnlike(value: object): string | undefined {
  try {
    const found = unlikeJson({ ...value });
    return found && `${found.path.join('.')}: ${found.why}`;
  } catch {
    return undefined;
  }
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, name) =>
      typeof inner === 'object' && inner !== null ? (inner as Readonly<Record<string, unknown>>)[name] : undefined,
    value,
  );
}

function told(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined;
  return text === undefined ? 'nothing' : text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

import type { QueryRunner } from 'typeorm';

/**
 * Hands the library the texts that Postgres sends. The parsers of `pg` belong to the process: an application may have set its own for any type
 * (`types.setTypeParser`), and what they make of a value is no matter of the library's.
 */
const texts = { getTypeParser: () => String };

/** A query of the library's own for the driver, as it is to be read. */
export function asTexts(text: string, values?: readonly unknown[]): object {
  return { text, types: texts, ...(values && values.length > 0 && { values }) };
}

/** The rows of a query that `asJson` made, or another whose one column is a JSON text named `record`. */
export function recordsOf<Row>(rows: readonly object[]): readonly Row[] {
  return (rows as readonly { readonly record: string }[]).map(({ record }) => JSON.parse(record) as Row);
}

/** Runs a query of the library's own, as `asJson` makes them, on a runner's connection and in its transaction. */
export async function readWith<Row>(
  runner: QueryRunner,
  text: string,
  values: readonly unknown[] = [],
): Promise<readonly Row[]> {
  const client = (await runner.connect()) as { query(query: object): Promise<{ readonly rows: readonly object[] }> };
  const { rows } = await client.query(asTexts(text, values));
  return recordsOf(rows);
}

import { unportable } from '../protocol/portable.js';
import { reasonOf } from '../protocol/reason.js';

/** What others are given of some data, or why they can be given nothing. */
export type Carried = { readonly data: unknown } | { readonly refused: 'tooLarge' | 'noJson'; readonly why: string };

/**
 * What is left of data on its way to other processes: it is written as JSON and read again.
 *
 * @param mostBytes of the JSON in UTF-8
 */
export function carried(data: unknown, mostBytes: number): Carried {
  try {
    const json = JSON.stringify(data) as string | undefined;
    if (json === undefined) return { refused: 'noJson', why: 'JSON knows nothing like it' };
    const bytes = Buffer.byteLength(json);
    if (bytes > mostBytes)
      return { refused: 'tooLarge', why: `it has ${bytes} bytes as JSON, ${mostBytes} are the most` };
    const parsed: unknown = JSON.parse(json);
    const why = unportable(parsed);
    return why === undefined ? { data: parsed } : { refused: 'noJson', why: `it ${why}` };
  } catch (error) {
    return { refused: 'noJson', why: `it cannot be written as JSON: ${reasonOf(error)}` };
  }
}

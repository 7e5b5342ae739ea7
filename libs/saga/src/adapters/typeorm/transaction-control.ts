import { bareSql } from './bare-sql.js';

/** What a statement does to the transaction that it is in. */
export type Control =
  | { readonly type: 'transaction' }
  /** A savepoint in SQL. */
  | { readonly type: 'savepoint'; readonly verb: 'set' | 'end'; readonly name: string };

/** Most statements, told at a glance. */
const plain = /^\s*(?:select|insert|update|delete|with)\b/i;

/** By its first words, whatever comments, blanks and empty statements stand before and between them. */
export function controlOf(text: string): Control | undefined {
  if (plain.test(text)) return undefined;
  const [first, ...rest] = wordsOf(text);
  switch (first) {
    case 'begin':
    case 'start':
    case 'commit':
    case 'end':
    case 'abort':
      return { type: 'transaction' };
    case 'prepare':
      return rest[0] === 'transaction' ? { type: 'transaction' } : undefined;
    case 'savepoint':
      return { type: 'savepoint', verb: 'set', name: nameIn(rest) };
    case 'release':
      return { type: 'savepoint', verb: 'end', name: nameIn(rest) };
    case 'rollback':
      return rolledBackTo(rest[0] === 'work' || rest[0] === 'transaction' ? rest.slice(1) : rest);
    default:
      return undefined;
  }
}

function rolledBackTo([to, ...rest]: readonly string[]): Control {
  return to === 'to' ? { type: 'savepoint', verb: 'end', name: nameIn(rest) } : { type: 'transaction' };
}

function nameIn([first, second]: readonly string[]): string {
  return (first === 'savepoint' ? (second ?? first) : first) ?? '';
}

/** The first words of a statement as Postgres reads them: quoted names as they are, others in lower case. */
function wordsOf(text: string): readonly string[] {
  const tokens = bareSql(text).match(/"(?:[^"]|"")*"|[^\s;"]+/g) ?? [];
  const few = tokens.slice(0, 6);
  return few.map((token) => (token.startsWith('"') ? token.slice(1, -1).replaceAll('""', '"') : token.toLowerCase()));
}

/** Whether a text holds several statements. */
export function holdsSeveral(text: string): boolean {
  return /;\s*[^\s;]/.test(bareSql(text).replaceAll(/"[^"]*"/g, '""'));
}

import { bareSql } from './bare-sql.js';

/** What a statement changes beside rows: of its transaction, until that ends; or of the connection, which goes back to the pool. */
export interface Setting {
  readonly of: 'transaction' | 'connection';
  /** `SET LOCAL`, `set_config`. */
  readonly what: string;
  /** For one of the connection: what to do. */
  readonly instead?: string;
  /** What is dropped with the step: a kind of thing and its name. */
  readonly temporary?: string;
}

const anywhere = /set_config|advisory_|\binto\s+(?:(?:local|global)\s+)?temp/i;
const plain = /^\s*(?:select|insert|update|delete|with)\b/i;

/**
 * What a statement changes beside rows, as far as it can be seen in its text: what functions and triggers do is hidden.
 *
 * @param values those of its parameters
 */
export function settingOf(text: string, values: unknown): Setting | undefined {
  if (plain.test(text) && !anywhere.test(text)) return undefined;
  const bare = bareSql(text).replace(/^[\s;]+/, '');
  if (/^do\b/i.test(bare)) return settingOfBlock(text);
  return settingOfCommand(bare) ?? settingOfCall(bare, values);
}

/** The body of a DO block is a literal. */
function settingOfBlock(text: string): Setting | undefined {
  const body = text
    .slice(text.search(/'|\$/))
    .replaceAll(/\$\w*\$|\bbegin\b|\bthen\b|\belse\b|\bloop\b|\bperform\b/gi, ';');
  const settings = body.split(';').flatMap((statement) => settingOf(statement, undefined) ?? []);
  return settings.find(({ of }) => of === 'connection') ?? settings[0];
}

const local = 'Say SET LOCAL.';
/** In this order. */
const commands: readonly [start: RegExp, setting: Setting][] = [
  [/^set\s+constraints\b/i, { of: 'transaction', what: 'SET CONSTRAINTS' }],
  [
    /^set\s+(?:(?:local|session)\s+)?(?:transaction\b|transaction_|session\s+characteristics\b)/i,
    { of: 'connection', what: 'SET TRANSACTION', instead: 'Set isolationLevel on the DataSource.' },
  ],
  [
    /^set\s+(?:local\s+)?session(?:\s+|_)authorization\b/i,
    { of: 'connection', what: 'SET SESSION AUTHORIZATION', instead: 'Say SET LOCAL ROLE.' },
  ],
  [
    /^set\s+(?:local\s+)?nest_saga\./i,
    { of: 'connection', what: 'a setting of the library', instead: 'Leave it out.' },
  ],
  [/^set\s+local\b/i, { of: 'transaction', what: 'SET LOCAL' }],
  [/^set\b/i, { of: 'connection', what: 'SET', instead: local }],
  [
    /^reset\b/i,
    {
      of: 'connection',
      what: 'RESET',
      instead: 'What SET LOCAL changed ends with the step; say SET LOCAL ... TO DEFAULT, or SET LOCAL ROLE NONE.',
    },
  ],
  [/^discard\b/i, { of: 'connection', what: 'DISCARD', instead: 'Leave it out.' }],
  [
    /^(?:prepare|deallocate)\b/i,
    { of: 'connection', what: 'PREPARE', instead: 'Give the query of the driver a name.' },
  ],
  [
    /^(?:un)?listen\b/i,
    {
      of: 'connection',
      what: 'LISTEN',
      instead: 'Listen on a connection of your own; NOTIFY is sent when the step is committed.',
    },
  ],
  [
    /^declare\b[\s\S]*?\bwith\s+hold\b/i,
    { of: 'connection', what: 'a cursor WITH HOLD', instead: 'Leave out WITH HOLD.' },
  ],
  [/^declare\b/i, { of: 'transaction', what: 'DECLARE' }],
];

function settingOfCommand(bare: string): Setting | undefined {
  const found = commands.find(([start]) => start.test(bare));
  return found?.[1] ?? temporary(bare);
}

const made =
  /^create\s+(?:or\s+replace\s+)?(?:(?:global|local)\s+)?temp(?:orary)?\s+(?:recursive\s+)?(table|view|sequence)\s+(?:if\s+not\s+exists\s+)?(?:pg_temp\s*\.\s*)?("(?:[^"]|"")*"|[^\s(]+)/i;
const selected = /\binto\s+(?:(?:global|local)\s+)?temp(?:orary)?\s+(?:table\s+)?("(?:[^"]|"")*"|[^\s(]+)/i;

/** Temporary things outlive their transaction: the next step on the connection would find them. */
function temporary(bare: string): Setting | undefined {
  const [, kind, name] = made.exec(bare) ?? [];
  if (kind && name) return { of: 'transaction', what: 'CREATE TEMP', temporary: `${kind} IF EXISTS pg_temp.${name}` };
  const [, table] = selected.exec(bare) ?? [];
  return table ? { of: 'transaction', what: 'INTO TEMP', temporary: `TABLE IF EXISTS pg_temp.${table}` } : undefined;
}

function settingOfCall(bare: string, values: unknown): Setting | undefined {
  if (/\bpg_(?:try_)?advisory_(?:lock|unlock)/i.test(bare))
    return {
      of: 'connection',
      what: 'an advisory lock of the session',
      instead: 'Take it with pg_advisory_xact_lock.',
    };
  if (/\bpg_(?:try_)?advisory_xact_lock/i.test(bare)) return { of: 'transaction', what: 'pg_advisory_xact_lock' };
  const calls = [...bare.matchAll(/\bset_config"?\s*\(/gi)];
  if (calls.length === 0) return undefined;
  const areLocal = calls.every(({ index, 0: call }) => isLocal(argumentsAt(bare, index + call.length)[2], values));
  if (areLocal) return { of: 'transaction', what: 'set_config' };
  return { of: 'connection', what: 'set_config', instead: 'Make its third argument true.' };
}

/** Up to the closing parenthesis. */
function argumentsAt(bare: string, start: number): readonly string[] {
  const found = [''];
  let depth = 0;
  for (const sign of bare.slice(start)) {
    if (sign === ')' && depth === 0) break;
    if (sign === '(') depth += 1;
    if (sign === ')') depth -= 1;
    if (sign === ',' && depth === 0) found.push('');
    else found[found.length - 1] += sign;
  }
  return found.map((argument) => argument.trim());
}

function isLocal(argument: string | undefined, values: unknown): boolean {
  const said = argument?.replace(/^is_local\s*(?:=>|:=)\s*/i, '') ?? '';
  if (/^true\b/i.test(said)) return true;
  const [, number] = /^\$(\d+)/.exec(said) ?? [];
  const value: unknown = Array.isArray(values) && number ? values[Number(number) - 1] : undefined;
  return value === true || value === 'true';
}

/** How deep data may be nested. What participants parse and store it with has limits of its own, all of them higher. */
export const deepest = 100;

/**
 * Why parsed JSON cannot be the data of an event; nothing when it can. Refused is what some participant could not keep or would be harmed by:
 * null characters and halves of pairs (no database text holds them), numbers that are none, deep nesting, and keys that reach for prototypes.
 */
export function unportable(value: unknown, depth = 0): string | undefined {
  if (typeof value === 'string') return unportableText(value);
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : `holds the number ${value}`;
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth === deepest) return `is nested over ${deepest} levels deep`;
  if (Array.isArray(value)) return firstOf(value, (item) => unportable(item, depth + 1));
  return firstOf(Object.keys(value), (key) => unportableEntry(key, (value as Record<string, unknown>)[key], depth));
}

function unportableEntry(key: string, value: unknown, depth: number): string | undefined {
  if (key === '__proto__') return 'has a key "__proto__"';
  if (key === 'constructor' && typeof value === 'object' && value !== null && Object.hasOwn(value, 'prototype'))
    return 'has a key "constructor" with a "prototype"';
  return unportableText(key) ?? unportable(value, depth + 1);
}

function unportableText(text: string): string | undefined {
  if (!/\0|\p{Cs}/u.test(text)) return undefined;
  return `holds a text with ${text.includes('\0') ? 'a null character' : 'half of a surrogate pair'}`;
}

/** Texts are matched to be passed over. */
const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/gs;

/** Why a JSON text would be read as something else than was written: a whole number that no JavaScript number holds (money, ids of other languages). */
export function misread(json: string): string | undefined {
  if (!/\d{16}/.test(json)) return undefined;
  for (const [token] of json.matchAll(tokens)) {
    if (/^-?\d{16,}$/.test(token) && !isHeld(token))
      return `holds the number ${token.slice(0, 40)}, which JavaScript cannot hold exactly; send it as a text`;
  }
  return undefined;
}

/** As it stands, or in the rounded form in which JavaScript itself writes its number. */
function isHeld(digits: string): boolean {
  const number = Number(digits);
  return Number.isFinite(number) && (String(number) === digits || BigInt(number) === BigInt(digits));
}

function firstOf<T>(items: readonly T[], why: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const found = why(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

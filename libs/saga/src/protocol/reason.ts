const mostCharacters = 1_000;

/** A text as a header, a row and a log can carry it: at most `most` characters, none of them null or half of a pair. */
export function shortened(text: string, most = mostCharacters): string {
  const cut = text.length > most ? `${text.slice(0, most - 1)}…` : text;
  return cut.replaceAll(/\0|\p{Cs}/gu, '\uFFFD');
}

/** CloudEvents allows no control characters in an attribute; a reason is often the message of an error, which may have lines. */
export function onOneLine(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ');
}

/** What an error says, shortened. Anything can be thrown: texts, objects without a prototype, errors whose message is no text. */
export function reasonOf(error: unknown): string {
  try {
    return shortened(String(error instanceof Error ? error.message : error));
  } catch {
    return 'something was thrown that cannot be told in words';
  }
}

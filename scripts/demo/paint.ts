const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 };

export type Style = keyof typeof codes;
export type Paint = (style: Style, text: string) => string;

/** Colors on a terminal; none where NO_COLOR is set (https://no-color.org) or nobody looks, unless FORCE_COLOR asks for them. */
export function painter(env: NodeJS.ProcessEnv, isTerminal: boolean): Paint {
  const wanted = env['NO_COLOR'] ? false : env['FORCE_COLOR'] ? env['FORCE_COLOR'] !== '0' : isTerminal;
  return (style, text) => (wanted && text !== '' ? `\u001b[${codes[style]}m${text}\u001b[0m` : text);
}

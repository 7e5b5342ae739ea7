import { styleText } from 'node:util';

export type Style = Parameters<typeof styleText>[0];
export type Paint = (style: Style, text: string) => string;

/** Colors on a terminal; none where NO_COLOR is set (https://no-color.org) or nobody looks. */
export function painter(env: NodeJS.ProcessEnv, isTerminal: boolean): Paint {
  const wanted = env['NO_COLOR'] ? false : env['FORCE_COLOR'] ? env['FORCE_COLOR'] !== '0' : isTerminal;
  return wanted ? (style, text) => (text === '' ? text : styleText(style, text)) : (_style, text) => text;
}

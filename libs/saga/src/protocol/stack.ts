import { causesOf, shortened } from './reason.js';

const mostFrames = 15;
const mostCharacters = 6_000;

/** The stacks of an error and of what caused it, for a log. Nothing for what has none. */
export function stackOf(error: unknown): string | undefined {
  const stacks = [stackIn(error), ...causesOf(error).map(stackIn)].filter((stack) => stack !== undefined);
  return stacks.length === 0 ? undefined : shortened(stacks.join('\ncaused by: '), mostCharacters);
}

/** What tells one kind of failure from another: the class of the error and the place where it was made. */
export function kindOf(error: unknown): string {
  const frame = stackIn(error)
    ?.split('\n')
    .find((line) => /^\s+at /.test(line));
  return `${error instanceof Error ? error.constructor.name : typeof error} ${frame?.trim() ?? ''}`;
}

/** Its message, which may have lines, and the innermost frames. */
function stackIn(error: unknown): string | undefined {
  try {
    if (typeof error !== 'object' || error === null || !('stack' in error) || typeof error.stack !== 'string')
      return undefined;
    const lines = error.stack.split('\n');
    const first = lines.findIndex((line) => /^\s+at /.test(line));
    return first < 0 ? undefined : lines.slice(0, first + mostFrames).join('\n');
  } catch {
    return undefined;
  }
}

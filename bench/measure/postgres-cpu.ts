import { readFileSync, readdirSync } from 'node:fs';

const ticksPerSecond = 100; // USER_HZ, the same on every Linux that Node runs on

interface Stat {
  readonly parent: number;
  /** Of the process itself, and of its children that have ended, in ticks. */
  readonly own: number;
  readonly ended: number;
}

/**
 * CPU time of a Postgres server in ms: of its first process's children, those alive and those that ended.
 *
 * @returns nothing where there is no /proc
 */
export function postgresCpu(pid: number): number | undefined {
  const server = statOf(pid);
  if (!server) return undefined;
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => statOf(Number(name)))
    .filter((stat) => stat?.parent === pid);
  const ticks = children.reduce((sum, stat) => sum + (stat?.own ?? 0), server.own + server.ended);
  return (ticks / ticksPerSecond) * 1_000;
}

/** Fields of proc_pid_stat(5), counted from the state, which follows the name in parentheses. */
function statOf(pid: number): Stat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined; // no /proc here, or the process has just ended
  }
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const sum = (first: number): number => (fields[first] ?? 0) + (fields[first + 1] ?? 0);
  return { parent: fields[1] ?? 0, own: sum(11), ended: sum(13) };
}

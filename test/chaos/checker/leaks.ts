import type { Holding } from '../agent/resources.js';
import type { Violation } from './invariant.js';

/** What a process may hold more at the end of a round than at its beginning, at rest both times: pools and caches fill up. */
export const mayGrowBy = { heapBytes: 24 * 2 ** 20, timers: 24, sockets: 24 } as const;

/** What processes that lived through a round hold more than they may. */
export function leaks(before: ReadonlyMap<number, Holding>, after: ReadonlyMap<number, Holding>): readonly Violation[] {
  return [...after].flatMap(([pid, now]) => {
    const then = before.get(pid);
    if (!then) return [];
    return (['heapBytes', 'timers', 'sockets'] as const)
      .filter((what) => now[what] - then[what] > mayGrowBy[what])
      .map((what): Violation => {
        return {
          invariant: 'I12',
          harm: 'wrong',
          what: `process ${pid} holds ${now[what]} ${what}, before it was ${then[what]}`,
        };
      });
  });
}

/** Connections of one service beyond what its pools may hold. */
export function connectionLeaks(connections: ReadonlyMap<string, number>, processes: number): readonly Violation[] {
  const most = 10 * processes;
  return [...connections]
    .filter(([, count]) => count > most)
    .map(([service, count]) => {
      return {
        invariant: 'I12',
        harm: 'wrong',
        what: `${service} has ${count} connections to Postgres, its pools hold ${most}`,
      };
    });
}

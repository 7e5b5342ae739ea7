import type { Counters } from '../counters/counters.js';
import { goalsAlone, goalsTogether, type CounterGoal } from '../counters/goals.js';
import type { Idle } from '../counters/idle.js';
import type { Ending } from '../programs/program.js';

export interface Counted {
  readonly ending: Ending;
  readonly together: number;
  readonly counters: Counters;
}

export function counterTable(counted: readonly Counted[]): string {
  return counted
    .map(({ ending, together, counters }) => {
      const { libraryTripsPerEvent, handlerTripsPerSaga, commitsPerSaga, flushesPerSaga, walPerSaga } = counters;
      const trips = `${libraryTripsPerEvent.toFixed(2)} round trips of the library's per event (the handlers': ${handlerTripsPerSaga} per saga)`;
      const commits = `${commitsPerSaga.toFixed(2)} commits and ${flushesPerSaga.toFixed(2)} flushes per saga`;
      const bytes = `${walPerSaga.toFixed(0)} bytes of WAL and ${counters.tableBytesPerSaga.toFixed(0)} of tables per saga`;
      return `${ending}, ${together} at a time: ${trips}, ${commits}, ${bytes}`;
    })
    .join('\n');
}

export function counterGoalLines(counted: readonly Counted[]): readonly string[] {
  return counted.flatMap(({ ending, together, counters }) => {
    const goals = together === 1 ? goalsAlone(ending) : ending === 'happy' ? goalsTogether : [];
    return goals.map((goal) => lineOf(goal, goal.value(counters), `${ending}, ${together} at a time`));
  });
}

export function idleGoalLines({ heap, tables }: Idle): readonly string[] {
  const goals = [
    { text: 'bytes of heap', value: heap, atMost: 100 },
    { text: 'bytes of tables', value: tables, atMost: 2_048 },
  ];
  return goals.map((goal) => lineOf(goal, goal.value, 'a saga that waits'));
}

function lineOf({ text, atMost }: Pick<CounterGoal, 'text' | 'atMost'>, value: number, load: string): string {
  return `${value <= atMost ? 'met    ' : 'MISSED '} ${load}, at most ${atMost} ${text}: ${value.toFixed(2)}`;
}

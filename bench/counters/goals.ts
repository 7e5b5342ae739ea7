import type { Ending } from '../programs/program.js';
import { eventsPerSaga, type Counters } from './counters.js';

export interface CounterGoal {
  readonly text: string;
  readonly value: (counters: Counters) => number;
  readonly atMost: number;
}

/** Beside the handlers' own. A flush comes when nothing happens for a while: alone it is not an event's. */
export function goalsAlone(ending: Ending): readonly CounterGoal[] {
  return [
    { text: 'round trips per event', value: ({ libraryTripsPerEvent }) => libraryTripsPerEvent, atMost: 3 },
    { text: 'commits per event', value: ({ commitsPerSaga }) => commitsPerSaga / eventsPerSaga[ending], atMost: 1 },
  ];
}

/** With 128 sagas at once, all of them on their way to completion. */
export const goalsTogether: readonly CounterGoal[] = [
  {
    text: 'commits per saga',
    value: ({ commitsPerSaga, flushesPerSaga }) => commitsPerSaga + flushesPerSaga,
    atMost: 0.5,
  },
  { text: 'round trips per event', value: ({ libraryTripsPerEvent }) => libraryTripsPerEvent, atMost: 0.5 },
  { text: 'bytes of WAL per saga', value: ({ walPerSaga }) => walPerSaga, atMost: 5_000 },
  {
    text: 'bytes of tables per saga that has ended',
    value: ({ tableBytesPerSaga }) => tableBytesPerSaga,
    atMost: 2_048,
  },
];

/** What of the goals the counters do not meet, in words. */
export function missed(goals: readonly CounterGoal[], counters: Counters): readonly string[] {
  return goals
    .filter(({ value, atMost }) => !(value(counters) <= atMost))
    .map(({ text, value, atMost }) => `${value(counters)} ${text}, at most ${atMost} wanted`);
}

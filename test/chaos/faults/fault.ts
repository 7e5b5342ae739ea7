import type { Random } from '../../support/random.js';
import type { World } from '../world/world.js';

/** For how long sagas keep coming. */
export interface Pressure {
  readonly on: boolean;
  /** Sleeps; shorter when the pressure ends. */
  rest(ms: number): Promise<void>;
}

/** One kind of harm. The world heals what concerns processes afterwards; what a fault does elsewhere it takes back itself. */
export interface Fault {
  readonly name: string;
  readonly does: string;
  /** A server that must be ours to hurt. */
  readonly needs?: 'postgres' | 'kafka' | 'brokers';
  /** Handlers fail so often that a step may use its attempts up: then a saga is refused that would have been completed. */
  readonly mayGiveUp?: true;
  /** Makes ready, before the sagas come: what it takes is not part of the time that the fault has. */
  prepare?(world: World, random: Random): Promise<void>;
  /** Does it again and again for as long as there is pressure. Resolves to how many times. */
  inject(world: World, random: Random, pressure: Pressure): Promise<number>;
}

/** Repeats an act, resting between, for as long as there is pressure; at least once. */
export async function again(
  pressure: Pressure,
  restMs: () => number,
  act: (turn: number) => Promise<number | void>,
): Promise<number> {
  let times = 0;
  for (let turn = 0; turn === 0 || pressure.on; turn += 1) {
    times += (await act(turn)) ?? 1;
    await pressure.rest(restMs());
  }
  return times;
}

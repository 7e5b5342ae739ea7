import { Random } from '../../support/random.js';
import { journal } from './journal.js';

const jumpEvery = 1_500;
const hour = 3_600_000;

/**
 * Has this process see another time than the machine: up to an hour early or late, and jumping while it runs. Timers go on as they are.
 *
 * @param seed tells the jumps
 */
export function jumpClock(seed: string | undefined): void {
  if (seed === undefined || seed === '') return;
  const random = new Random(Number(seed));
  let offset = 0;
  const jump = (): void => {
    offset = random.pick([-hour, hour, 0, random.below(2 * hour) - hour]);
    journal(`clock ${offset}`);
  };
  jump();
  setInterval(jump, jumpEvery).unref();
  globalThis.Date = new Proxy(Date, {
    construct: (real, given: unknown[], target) =>
      Reflect.construct(real, given.length > 0 ? given : [real.now() + offset], target) as Date,
    get: (real, name, target) =>
      name === 'now' ? () => real.now() + offset : (Reflect.get(real, name, target) as unknown),
  });
}

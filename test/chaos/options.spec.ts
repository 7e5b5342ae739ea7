import { failpointFrom } from './agent/points.js';
import { catalog } from './faults/catalog.js';
import { planOf } from './load/requests.js';
import { Random } from '../support/random.js';
import { optionsFrom } from './options.js';

describe('the command line of a chaos run', () => {
  test('plays every fault once when it is told nothing', () => {
    expect(optionsFrom([])).toMatchObject({ faults: catalog, durationMs: undefined, replicas: 2, sagas: 60 });
  });

  test('takes a seed, a duration, and faults by the beginning of their names', () => {
    const options = optionsFrom(['--seed', '7', '--duration', '10m', '--only', 'evict,poison']);
    expect(options).toMatchObject({ seed: 7, durationMs: 600_000 });
    const names = options === 'list' ? [] : options.faults.map(({ name }) => name);
    expect(names).toEqual(['evict-task', 'evict-assignment', 'evict-notification', 'poison']);
  });

  test.each([
    ['--only', 'earthquake', 'There is no fault "earthquake". Known: none, kill-task'],
    ['--duration', 'long', '--duration long: write 90s, 10m or 2h'],
    ['--replicas', '0', '--replicas 0: write a whole number from 1'],
  ])('%s %s is refused with what to write', (name, value, message) => {
    expect(() => optionsFrom([name, value])).toThrow(message);
  });

  test('a fail-point that cannot be is refused with those that can', () => {
    expect(failpointFrom('relay.afterSend:kill:3')).toEqual({ point: 'relay.afterSend', action: 'kill', nth: 3 });
    expect(() => failpointFrom('relay.afterSend:kill:0')).toThrow('Write name:action:nth');
  });
});

test('a seed tells the sagas of a round: users with and without places, and requests that come twice', () => {
  const plan = planOf(new Random(5), 'r1', 60);
  expect(planOf(new Random(5), 'r1', 60)).toEqual(plan);
  expect(planOf(new Random(6), 'r1', 60)).not.toEqual(plan);
  expect(new Set(plan.requests.map(({ key }) => key)).size).toBe(60);
  expect(plan.requests.length).toBeGreaterThan(60);
  expect(plan.places.some(({ reachable }) => !reachable)).toBe(true);
});

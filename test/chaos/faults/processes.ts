import { actions, failpointText, points, type Action, type Point } from '../agent/points.js';
import { services, type ServiceName } from '../world/replica.js';
import type { Random } from '../../support/random.js';
import type { World } from '../world/world.js';
import { again, type Fault, type Pressure } from './fault.js';

const killed = (service: ServiceName): Fault => ({
  name: `kill-${service}`,
  does: `kill -9 of a process of ${service} at random`,
  inject: (world, random, pressure) =>
    again(
      pressure,
      () => 500 + random.below(3_000),
      () => world.fleet.any(service, random).restart('SIGKILL'),
    ),
});

const shutDown: Fault = {
  name: 'shutdown',
  does: 'SIGTERM of a process of any service in mid-batch',
  inject: (world, random, pressure) =>
    again(
      pressure,
      () => 500 + random.below(2_000),
      () => world.fleet.any(random.pick(services), random).restart('SIGTERM'),
    ),
};

/** Longer than the session of a consumer (10 s), after which its partitions are given to others. */
const evictedAfterMs = 13_000;

const suspended = (service: ServiceName): Fault => ({
  name: `evict-${service}`,
  does: `SIGSTOP of a process of ${service} for longer than its session, then SIGCONT`,
  inject: (world, random, pressure) =>
    again(
      pressure,
      () => 1_000,
      async () => {
        const replica = world.fleet.any(service, random);
        replica.freeze();
        await new Promise((resolve) => setTimeout(resolve, evictedAfterMs));
        replica.thaw();
      },
    ),
});

/** Points where the library itself lets nothing throw, so that an error there proves nothing. */
const neverThrow: readonly Point[] = ['consume.beforeOffset', 'consume.afterOffset', 'external.afterEffect'];

/** Begins every process anew with variables of its own, in order, so that its partitions are free for it at once. */
async function equipAll(world: World, extra: () => Record<string, string>): Promise<void> {
  world.journal();
  for (const replica of world.fleet.replicas) world.equip(replica, extra);
  await Promise.all(world.fleet.replicas.map((replica) => replica.restart('SIGTERM')));
  await Promise.all(world.fleet.replicas.map((replica) => replica.ready()));
}

/** Waits, and counts what the processes have noted of their harm. */
async function journaled(world: World, pressure: Pressure): Promise<number> {
  while (pressure.on) await pressure.rest(1_000);
  return world.journal().length;
}

/** Kills come later than other harm: a process that dies at once does nothing that could be broken. */
const failing = (point: Point, action: Action): Fault => ({
  name: `${action}-at-${point}`,
  does: `${verbs[action]} at the point ${point}, in any process`,
  ...(action === 'throw' && { mayGiveUp: true }),
  prepare: (world, random) => {
    const most = action === 'kill' ? 8 : 4;
    return equipAll(world, () => ({ FAILPOINT: failpointText({ point, action, nth: 1 + random.below(most) }) }));
  },
  inject: (world, random, pressure) =>
    action === 'hang' ? endHanging(world, random, pressure) : journaled(world, pressure),
});

/** What hangs is killed after a while, as by a failing liveness check. */
async function endHanging(world: World, random: Random, pressure: Pressure): Promise<number> {
  while (pressure.on) {
    await pressure.rest(5_000);
    await world.fleet.any(random.pick(services), random).restart('SIGKILL');
  }
  return world.journal().length;
}

const verbs: Readonly<Record<Action, string>> = {
  kill: 'the process dies',
  throw: 'an error is thrown',
  delay: 'a second goes by',
  hang: 'the process waits for ever and is killed after a while',
};

const jumpingClock: Fault = {
  name: 'clock-jumps',
  does: 'the clocks of all processes jump by up to an hour, back and forth, each on its own',
  prepare: (world, random) => equipAll(world, () => ({ CHAOS_CLOCK: String(1 + random.below(2 ** 30)) })),
  inject: (world, _random, pressure) => journaled(world, pressure),
};

const littleMemory: Fault = {
  name: 'memory-pressure',
  does: 'all processes have a heap of 64 MB, most of which they need to stand still',
  prepare: (world) => equipAll(world, () => ({ NODE_OPTIONS: '--max-old-space-size=64' })),
  async inject(world, _random, pressure) {
    const before = world.deaths;
    while (pressure.on) await pressure.rest(1_000);
    return world.fleet.replicas.length + world.deaths - before;
  },
};

export const processFaults: readonly Fault[] = [
  ...services.map(killed),
  ...points.map((point) => failing(point, 'kill')),
  ...points.filter((point) => !neverThrow.includes(point)).map((point) => failing(point, 'throw')),
  ...actions
    .filter((action) => action === 'delay' || action === 'hang')
    .map((action) => failing('consume.beforeCommit', action)),
  ...services.map(suspended),
  shutDown,
  jumpingClock,
  littleMemory,
];

import type { SagaGraph } from '../../../libs/saga/src/definition/index.js';
import { violations } from './invariants.js';
import { World } from './world.js';

/** What a run was like, to see that runs differ. */
export interface Played {
  readonly messages: number;
  readonly crashes: number;
  readonly undos: number;
}

const decisions = 400;

/**
 * Runs two sagas of a definition to their end: first everything that may happen happens in an order that the seed gives, with crashes, then
 * nothing goes wrong any more.
 *
 * @throws Error that names the seed and what is wrong at the end
 */
export async function play(saga: SagaGraph, seed: number): Promise<Played> {
  return playIn(new World(saga, seed), seed);
}

/** The same in a world of one's own. `meddle`: somebody else does something; told whether all else is at peace. */
export async function playIn(
  world: World,
  seed: number,
  meddle: (peace: 'chaos' | 'peace') => Promise<void> = async () => undefined,
): Promise<Played> {
  const { saga } = world;
  let crashes = 0;
  for (let decision = 0; decision < decisions; decision += 1) {
    if (decision % 8 === 0) await meddle('chaos');
    const chance = world.random.next();
    if (chance < 0.02 && crashes < 4) {
      crashes += 1;
      await world.crash();
    } else if (chance < 0.05) await world.ask();
    else if (chance < 0.053) await world.abort();
    else if (chance < 0.058) await world.clock.advance(31_000);
    else if (chance < 0.15) await world.clock.step();
    else if (chance < 0.4) await world.deliver(0.75);
    else await world.letPass();
  }
  const found = (await comesToRest(world, () => meddle('peace')))
    ? await violations(world)
    : ['it never comes to rest'];
  if (found.length > 0) throw new Error(`Seed ${seed} of "${saga.name}": ${found.join('; ')}.`);
  const undos = world.history.deeds.filter(({ kind }) => kind === 'undo').length;
  return { messages: world.log.length, crashes, undos };
}

async function comesToRest(world: World, meddle: () => Promise<void>): Promise<boolean> {
  world.gates.openAll();
  for (let round = 0; round < 150; round += 1) {
    await world.ask();
    await meddle();
    for (let index = 0; index < 6; index += 1) await world.deliver(1);
    await world.clock.advance(2_000);
    if (await world.rests()) return true;
  }
  return false;
}

import { brokerFaults } from './brokers.js';
import type { Fault } from './fault.js';
import { postgresFaults } from './postgres.js';
import { processFaults } from './processes.js';
import { recordFaults } from './records.js';

const calm: Fault = {
  name: 'none',
  does: 'nothing: what the other rows are to be compared with',
  async inject(_world, _random, pressure) {
    while (pressure.on) await pressure.rest(1_000);
    return 0;
  },
};

/** Every fault by its name. */
export const catalog: readonly Fault[] = [calm, ...processFaults, ...brokerFaults, ...postgresFaults, ...recordFaults];

/**
 * The faults of these names; a name may be the beginning of several.
 *
 * @throws Error that names what is unknown
 */
export function faultsNamed(names: readonly string[]): readonly Fault[] {
  const found = names.flatMap((name) => {
    const exact = catalog.filter((fault) => fault.name === name);
    const beginning = exact.length > 0 ? exact : catalog.filter((fault) => fault.name.startsWith(name));
    if (beginning.length === 0)
      throw new Error(`There is no fault "${name}". Known: ${catalog.map((fault) => fault.name).join(', ')}`);
    return beginning;
  });
  return [...new Set(found)];
}

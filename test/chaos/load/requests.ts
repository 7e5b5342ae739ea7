import type { Random } from '../../support/random.js';
import type { Places } from '../checker/evidence.js';

export interface TaskRequest {
  /** Idempotency key and title. */
  readonly key: string;
  readonly user: string;
  readonly priority: 'low' | 'normal' | 'high';
}

export interface Plan {
  readonly places: readonly Places[];
  /** In the order in which they are sent. Some come twice, as from a client that lost its answer. */
  readonly requests: readonly TaskRequest[];
  /** How many different sagas they are. */
  readonly sagas: number;
}

const shareSentTwice = 0.1;

/**
 * Random sagas: users with few places, without any, unknown ones and ones who cannot be written to, and more tasks than there are places, mixed.
 *
 * @param run begins every name, so that runs do not meet
 */
export function planOf(random: Random, run: string, sagas: number): Plan {
  const users = Math.max(3, Math.round(sagas / 6));
  const places = Array.from({ length: users }, (_, index): Places => {
    const reachable = !random.happens(0.2);
    return { user: `${run}-${reachable ? 'user' : 'undeliverable'}-${index}`, capacity: random.below(12), reachable };
  });
  const requests = Array.from({ length: sagas }, (_, index): TaskRequest => {
    const user = random.happens(0.07) ? `${run}-stranger` : random.pick(places).user;
    return { key: `${run}-task-${index}`, user, priority: random.pick(['low', 'normal', 'high']) };
  });
  const again = requests.filter(() => random.happens(shareSentTwice));
  return { places, sagas, requests: interleaved(requests, again, random) };
}

/** The others come somewhere between, each perhaps before its twin. */
function interleaved<T>(list: readonly T[], others: readonly T[], random: Random): readonly T[] {
  const mixed = [...list];
  for (const other of others) mixed.splice(random.below(mixed.length + 1), 0, other);
  return mixed;
}

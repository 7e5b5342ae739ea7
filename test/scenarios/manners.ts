import { throughLine, twiceAndShuffled } from '../e2e/faults.js';
import { InProcess, type ServiceName } from '../e2e/in-process.js';
import { query, until } from '../e2e/rows.js';

/** In which circumstances a scenario is played. Its end must be the same in all of them. */
export interface Manner {
  readonly name: string;
  /** The three services, ready. */
  start(): Promise<InProcess>;
  /** What happens once the saga has begun. */
  meanwhile(world: InProcess): Promise<void>;
}

const services: readonly ServiceName[] = ['task', 'assignment', 'notification'];

async function started(through: Parameters<InProcess['start']>[1]): Promise<InProcess> {
  const world = await InProcess.start([]);
  for (const name of services) await world.start(name, through);
  return world;
}

export const manners: readonly Manner[] = [
  { name: 'every event once and in order', start: () => InProcess.start(), meanwhile: async () => undefined },
  {
    name: 'every event twice, late and in reversed order',
    start: () => started(twiceAndShuffled),
    meanwhile: async () => undefined,
  },
  {
    name: 'every service stopped between the commit of its first event and its publication',
    start: () => started(throughLine({ cut: true })),
    meanwhile: async (world) => {
      for (const name of services) {
        await until(`${name} has committed an event that is not published`, () => hasBacklog(world, name));
        await world.stop(name);
        await world.start(name);
      }
    },
  },
];

async function hasBacklog({ ground }: InProcess, name: ServiceName): Promise<boolean> {
  const [row] = await query<{ size: number }>(
    ground.databases[name],
    'SELECT count(*)::integer AS size FROM saga_outbox',
  );
  return row!.size > 0;
}

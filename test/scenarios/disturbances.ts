import type { SagaModuleOptions } from 'nest-saga';
import { outliving, twiceAndShuffled } from '../e2e/faults.js';
import { until } from '../e2e/rows.js';
import type { Services } from './services.js';

type Factory = SagaModuleOptions['transport'];

/** What goes wrong while a scenario is played. Its end must be the same whatever it is. */
export interface Disturbance {
  readonly name: string;
  /** What stands between a service and the transport of all. */
  readonly through?: (transport: Factory) => Factory;
  /** Whether a service can publish nothing at first. */
  readonly cut?: boolean;
  /** What is done to a service once it runs. */
  readonly strike?: <Name extends string>(services: Services<Name>, name: Name) => Promise<void>;
}

export const undisturbed: Disturbance = { name: 'every event once and in order' };

export const disturbances: readonly Disturbance[] = [
  undisturbed,
  {
    name: 'every event twice, late and in reversed order',
    through: (transport) => twiceAndShuffled(outliving(transport)),
  },
  {
    name: 'every service killed between the commit of its first event and its publication',
    cut: true,
    strike: async (services, name) => {
      const waiting = (): Promise<object[]> => services.query(name, 'SELECT 1 FROM saga_outbox');
      await until(`${name} has committed an event that is not published`, async () => (await waiting()).length > 0);
      await services.kill(name);
      await services.restart(name);
    },
  },
];

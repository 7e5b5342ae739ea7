import type { Bundle } from '../../support/bundle.js';
import type { Random } from '../../support/random.js';
import { Replica, services, type ServiceName } from './replica.js';

/** All processes of the three services. */
export class Fleet {
  readonly replicas: Replica[] = [];

  constructor(
    private readonly programs: Bundle,
    private readonly environment: (service: ServiceName) => Readonly<Record<string, string>>,
  ) {}

  /** One more process of each service. */
  async grow(): Promise<void> {
    const index = this.replicas.length / services.length;
    const agent = ['--import', this.programs.main('agent')];
    const begun = await Promise.allSettled(
      services.map((service) => {
        const args = [...agent, this.programs.main(service)];
        return Replica.start({ service, args, env: this.environment(service) }, index);
      }),
    );
    for (const one of begun) if (one.status === 'fulfilled') this.replicas.push(one.value);
    for (const one of begun) if (one.status === 'rejected') throw one.reason;
  }

  of(service: ServiceName): readonly Replica[] {
    return this.replicas.filter((replica) => replica.service === service);
  }

  any(service: ServiceName, random: Random): Replica {
    return random.pick(this.of(service));
  }

  /** Everything runs and answers. */
  async heal(): Promise<void> {
    for (const replica of this.replicas) replica.thaw();
    await Promise.all(this.replicas.map((replica) => replica.wake()));
    await Promise.all(this.replicas.map((replica) => replica.ready()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.replicas.map((replica) => replica.stop()));
  }
}

import { services, type ServiceName } from '../programs/program.js';

/** Outbox rows whose event was handed on: a later transaction of their service deletes them. */
export class Acknowledged {
  private readonly ids: Record<ServiceName, string[]> = { task: [], assignment: [], notification: [] };

  add(service: ServiceName, ids: readonly string[]): void {
    this.ids[service].push(...ids);
  }

  take(service: ServiceName): readonly string[] {
    return this.ids[service].splice(0);
  }

  /** Calls back for every service that has some. */
  async takeAll(remove: (service: ServiceName, ids: readonly string[]) => Promise<unknown>): Promise<void> {
    for (const service of services) {
      const ids = this.take(service);
      if (ids.length > 0) await remove(service, ids);
    }
  }
}

import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { reasonOf } from '../protocol/reason.js';
import { inOwnContext, sleep } from '../ports/own-context.js';
import { SagaTracker } from './saga-tracker.js';

const lookEvery = 5_000;

/** While a service is deployed anew, its older replicas log events that only the newer ones can fold: these look for them, now and then. */
@Injectable()
export class TrackerCatchUp implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('SagaTrackerModule');
  private readonly ending = new AbortController();
  private looking: Promise<void> = Promise.resolve();

  constructor(private readonly tracker: SagaTracker) {}

  onApplicationBootstrap(): void {
    this.looking = inOwnContext(() => this.look());
  }

  async onModuleDestroy(): Promise<void> {
    this.ending.abort();
    await this.looking;
  }

  private async look(): Promise<void> {
    while (!this.ending.signal.aborted) {
      const folded = await this.tracker.catchUp().catch((error: unknown) => {
        this.logger.warn(`Looking for sagas of versions that were unknown failed and is repeated: ${reasonOf(error)}`);
        return 0;
      });
      if (folded === 0) await sleep(lookEvery, { keepsAlive: false, signal: this.ending.signal });
    }
  }
}

import { reasonOf } from '../protocol/reason.js';
import { TransportClosed } from '../ports/transport.js';

/** Whether a service has joined its consumer groups, or why it never will. */
export class JoiningState {
  started = false;
  /** Why it never consumes, unless its process is started again. */
  failure: string | undefined;

  /** What a drain ends before it has joined has not failed. */
  async of(join: () => Promise<void>): Promise<void> {
    try {
      await join();
      this.started = true;
    } catch (error) {
      if (!(error instanceof TransportClosed)) this.failure = `this service hears no saga events: ${reasonOf(error)}`;
      throw error;
    }
  }
}

import { soon } from '../../ports/own-context.js';
import { streamOpen } from './step-refusals.js';

/** A result that is read bit by bit: until its end the connection answers nothing else. */
export class StepStream {
  isOver = false;
  private suspended = false;
  private readonly watching = new Set<() => void>();

  /** Its reader has to ask for more, or to give more. */
  suspend(): void {
    this.suspended = true;
    this.told();
  }

  resume(): void {
    this.suspended = false;
  }

  end(): void {
    this.isOver = true;
    this.told();
  }

  /** @throws SagaError `STREAM_OPEN` when its reader seems to wait for whoever waits here */
  async over(): Promise<void> {
    while (!this.isOver) {
      if (this.suspended) await new Promise<void>((turn) => soon(turn));
      if (this.suspended && !this.isOver) throw streamOpen();
      if (!this.isOver) await new Promise<void>((told) => this.watching.add(told));
    }
  }

  private told(): void {
    for (const watching of this.watching) watching();
    this.watching.clear();
  }
}

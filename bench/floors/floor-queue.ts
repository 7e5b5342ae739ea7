/**
 * What waits for one handler. Up to `workers` batches of up to `batchSize` messages are settled at once; an idle queue
 * settles what there is at once.
 */
export class FloorQueue<Message> {
  private readonly waiting: Message[] = [];
  private busy = 0;

  constructor(
    private readonly settle: (batch: readonly Message[]) => Promise<void>,
    private readonly limits: { readonly workers: number; readonly batchSize: number },
  ) {}

  push(message: Message): void {
    this.waiting.push(message);
    if (this.busy === this.limits.workers) return;
    this.busy += 1;
    void this.work();
  }

  private async work(): Promise<void> {
    await Promise.resolve(); // messages that arrive in the same turn go together
    while (this.waiting.length > 0) await this.settle(this.waiting.splice(0, this.limits.batchSize));
    this.busy -= 1;
  }
}

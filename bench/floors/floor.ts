import { v7 } from 'uuid';
import type { Ending, Program } from '../programs/program.js';
import { FloorQueue } from './floor-queue.js';
import {
  assignUser,
  createTask,
  markTaskFailed,
  refuseNotification,
  sendNotification,
  unassignUser,
  type FloorHandler,
  type FloorMessage,
} from './message.js';
import { closePools, type Pools } from './tables.js';

const routes: Readonly<Record<Ending, readonly FloorHandler[]>> = {
  happy: [createTask, assignUser, sendNotification],
  fail: [createTask, assignUser, refuseNotification, unassignUser, markTaskFailed],
};

/** Settles messages of one handler: when it resolves, their rows are committed. */
export type Settle = (handler: FloorHandler, batch: readonly FloorMessage[]) => Promise<void>;

/** A hand-written saga: what a handler committed is handed to the next in memory. */
export class Floor implements Program {
  private readonly firsts: Readonly<Record<Ending, FloorQueue<FloorMessage>>>;

  constructor(
    private readonly pools: Pools,
    settle: Settle,
    limits: { readonly workers: number; readonly batchSize: number },
  ) {
    const first = (ending: Ending): FloorQueue<FloorMessage> =>
      routes[ending].reduceRight<FloorQueue<FloorMessage> | undefined>(
        (next, handler) => new FloorQueue((batch) => this.pass(settle, handler, batch, next), limits),
        undefined,
      )!;
    this.firsts = { happy: first('happy'), fail: first('fail') };
  }

  run(ending: Ending): Promise<void> {
    const sagaId = v7();
    const rowId = v7();
    return new Promise<void>((ended, failed) => {
      this.firsts[ending].push({ sagaId, rowId, outboxId: v7(), event: eventOf(sagaId, rowId), ended, failed });
    });
  }

  close(): Promise<void> {
    return closePools(this.pools);
  }

  private async pass(
    settle: Settle,
    handler: FloorHandler,
    batch: readonly FloorMessage[],
    next: FloorQueue<FloorMessage> | undefined,
  ): Promise<void> {
    try {
      await settle(handler, batch);
    } catch (error) {
      for (const message of batch) message.failed(error);
      return;
    }
    for (const message of batch) {
      if (!next) message.ended();
      else next.push({ ...message, outboxId: v7(), event: eventOf(message.sagaId, message.rowId) });
    }
  }
}

/** About what the library writes of an event into its outbox. */
function eventOf(sagaId: string, rowId: string): string {
  return JSON.stringify({
    type: 'user.assigned',
    source: '/assignment',
    time: new Date().toISOString(),
    sagaId,
    data: { taskId: sagaId, assignmentId: rowId, userId: 'user-17', title: 'Prepare the quarterly report' },
  });
}

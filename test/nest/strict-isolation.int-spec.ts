import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Sagas, SagaStep } from 'nest-saga';
import type { Repository } from 'typeorm';
import { expect, test } from 'vitest';
import { freshDatabase } from '../support/database.js';
import { Note, startedOn } from './database-scene.js';
import { Payment, PaymentDone } from './order-saga.js';

/** Reads what its neighbors write: under SERIALIZABLE one of two must go. */
@Injectable()
class Counting {
  constructor(@InjectRepository(Note) private readonly notes: Repository<Note>) {}

  @SagaStep(Payment.steps.pay)
  async pay(): Promise<PaymentDone> {
    const before = await this.notes.count();
    await this.notes.insert({ text: `after ${before}` });
    return new PaymentDone({ orderId: 'o1' });
  }
}

test.each(['SERIALIZABLE', 'REPEATABLE READ'] as const)(
  '200 starts at once under %s are all done: conflicts are repeated inside, and no caller hears of them',
  { timeout: 60_000 },
  async (isolationLevel) => {
    const app = await startedOn(
      await freshDatabase(),
      { providers: [Counting], saga: { settings: { batchSize: 1 } } },
      { isolationLevel },
    );
    const starts = await Promise.allSettled(Array.from({ length: 200 }, () => app.get(Sagas).start(Payment, {})));
    const failed = starts.flatMap((start) => (start.status === 'rejected' ? [String(start.reason)] : []));
    expect(failed).toEqual([]);
  },
);

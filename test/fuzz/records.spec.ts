import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decode } from '../../libs/saga/src/protocol/cloud-event.js';
import type { Envelope } from '../../libs/saga/src/protocol/envelope.js';
import type { IncomingRecord } from '../../libs/saga/src/ports/transport.js';
import { PoisonRecord } from '../../libs/saga/src/protocol/wire.js';
import { Ground } from '../flow/stage/service.js';
import { anyRecord } from './any-record.js';
import { takenBy } from './taken-by.js';
import { patience, tries } from './tries.js';

test('any record is a saga event or poison with a short reason, and never another error', { timeout: patience }, () => {
  fc.assert(
    fc.property(anyRecord, (record) => {
      const answer = answerTo(record);
      const said =
        answer instanceof PoisonRecord ? answer.message : [answer.correlationId, answer.cause?.reason ?? ''].join();
      expect(said).toMatch(/^[^\p{Cc}\p{Cs}]{1,1600}$/u);
      expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
    }),
    tries(400),
  );
});

test(
  'any batch of records is consumed, each of them counted, and holds up nothing',
  { timeout: patience },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyRecord, { minLength: 1, maxLength: 6 }), async (records) => {
        const ground = new Ground();
        expect(await takenBy(ground, records)).toBeGreaterThan(records.length);
        expect((await ground.store.outbox.backlog()).size).toBe(0);
      }),
      tries(100),
    );
  },
);

function answerTo(record: IncomingRecord): Envelope | PoisonRecord {
  try {
    return decode(record);
  } catch (error) {
    if (error instanceof PoisonRecord) return error;
    throw error;
  }
}

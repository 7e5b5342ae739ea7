import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type { IncomingRecord } from '../../libs/saga/src/ports/transport.js';
import type { StepStore } from '../../libs/saga/src/ports/step-store.js';
import { eventRecord } from '../flow/stage/records.js';
import { Service, type Ground } from '../flow/stage/service.js';
import { Loose, looseSteps } from './loose-saga.js';

const topics = ['saga.loose', 'saga.compensation.failed', 'saga.dead-letters'];

/**
 * Delivers a batch to a service that has all steps of a saga: it is consumed, each of its records is counted, nothing is published but on the
 * saga's topics, and a sound saga runs beside it.
 *
 * @returns how many fates were counted: one for each record at least, and one for the sound saga
 */
export async function takenBy(
  ground: Ground,
  records: readonly IncomingRecord[],
  store: StepStore = ground.store,
): Promise<number> {
  const service = await Service.started(ground, looseSteps, { store });
  const sound = randomUUID();
  await ground.transport.deliver([...records, eventRecord(Loose, 'begin', 'done', {}, { sagaId: sound })]);
  await ground.clock.advance(60_000);
  const counted = Object.values(service.tally.snapshot()).reduce((sum, count) => sum + count, 0);
  for (const { topic } of ground.transport.published) expect(topics).toContain(topic);
  expect(ground.transport.eventIds).toContain(`${sound}:go:done`);
  await service.saga.drain();
  return counted;
}

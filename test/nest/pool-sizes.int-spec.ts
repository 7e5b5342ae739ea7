import { Injectable } from '@nestjs/common';
import type { TestingModule } from '@nestjs/testing';
import {
  DomainEvent,
  SagaStep,
  SagaTracker,
  SagaTrackerModule,
  Sagas,
  SemanticLocks,
  defineSaga,
  type StepContext,
} from 'nest-saga';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { freshDatabase } from '../support/database.js';
import { startedOn } from './database-scene.js';
import { eventually } from './scene.js';

const wanted = z.object({ room: z.string() });
class RoomTaken extends DomainEvent('room.taken', wanted) {}
const Meeting = defineSaga('meeting', { take: { input: wanted, emits: RoomTaken } });

@Injectable()
class MeetingSteps {
  constructor(private readonly locks: SemanticLocks) {}

  @SagaStep(Meeting.steps.take)
  async take({ room }: z.infer<typeof wanted>, saga: StepContext): Promise<RoomTaken> {
    await this.locks.acquire(saga, room, { onHeld: 'wait' });
    return new RoomTaken({ room });
  }
}

async function meetings(poolSize: number, lanes?: number): Promise<TestingModule> {
  const service = {
    imports: [SagaTrackerModule],
    providers: [MeetingSteps],
    saga: { ...(lanes !== undefined && { settings: { lanes } }) },
  };
  return startedOn(await freshDatabase(), service, { poolSize });
}

describe('a pool of connections', () => {
  test.each([
    [2, 1],
    [4, 3],
    [3, undefined],
  ])('of %d is enough for %s lanes, however many steps wait for each other', async (poolSize, lanes) => {
    const app = await meetings(poolSize, lanes);
    const first = await app.get(Sagas).start(Meeting, { room: 'blue' });
    const others = await Promise.all(Array.from({ length: 12 }, () => app.get(Sagas).start(Meeting, { room: 'blue' })));
    expect(others.map(({ step }) => step)).toEqual(others.map(() => 'running'));
    await app.get(SemanticLocks).release(first);
    const statuses = () =>
      Promise.all(others.map(async ({ sagaId }) => (await app.get(SagaTracker).find(sagaId))?.status));
    await eventually(async () => expect(await statuses()).toContain('completed'));
  });

  test('that is no larger than the lanes is refused at start, with what to do', async () => {
    await expect(meetings(4, 4)).rejects.toThrow(
      'the default TypeORM DataSource: its pool has 4 connections, and settings.lanes is 4; each lane holds one, and some of their work needs another: set poolSize to 5 or more, or lanes to 3 or less',
    );
  });

  test('of one connection is refused too: no lane could do that work', async () => {
    await expect(meetings(1, 1)).rejects.toThrow('set poolSize to 2 or more');
  });
});

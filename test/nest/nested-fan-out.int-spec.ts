import { Injectable } from '@nestjs/common';
import type { TestingModule } from '@nestjs/testing';
import {
  Compensates,
  DomainEvent,
  SagaStep,
  SagaTracker,
  SagaTrackerModule,
  Sagas,
  StepPostponed,
  StepRejected,
  defineSaga,
  inMemory,
} from 'nest-saga';
import { DataSource } from 'typeorm';
import { beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { freshDatabase } from '../support/database.js';
import { startedOn } from './database-scene.js';
import { eventually } from './scene.js';

const rooms = z.object({ rooms: z.array(z.string()) });

class VisitPlanned extends DomainEvent('visit.planned', rooms) {}
class RoomInspected extends DomainEvent('room.inspected', z.object({ ok: z.boolean() })) {}
class HouseOffered extends DomainEvent('house.offered', rooms) {}
class HouseVisited extends DomainEvent('house.visited', z.object({ count: z.number() })) {}
class BuyerChecked extends DomainEvent('buyer.checked', z.object({})) {}
class HouseSold extends DomainEvent('house.sold', z.object({})) {}

const Visit = defineSaga(
  'visit',
  {
    plan: { input: rooms, effect: 'external', emits: VisitPlanned },
    inspect: { after: 'plan', each: (planned: VisitPlanned) => planned.rooms, emits: RoomInspected },
  },
  { commits: 'withParent' },
);

const Sale = defineSaga('sale', {
  offer: { input: rooms, emits: HouseOffered },
  visit: {
    after: 'offer',
    saga: Visit,
    emits: HouseVisited,
    result: (inspected: Record<string, RoomInspected>) => ({ count: Object.keys(inspected).length }),
  },
  checkBuyer: { after: 'offer', kind: 'readOnly', emits: BuyerChecked },
  sell: { after: ['visit', 'checkBuyer'], kind: 'pivot', emits: HouseSold },
});

@Injectable()
class HouseSteps {
  held: Promise<void> | undefined;
  planning = false;
  refused = false;
  readonly said: string[] = [];

  @SagaStep(Visit.steps.plan)
  async plan(input: z.infer<typeof rooms>): Promise<VisitPlanned> {
    this.planning = true;
    await this.held;
    return new VisitPlanned(input);
  }

  @Compensates(Visit.steps.plan)
  unplan(): void {
    this.said.push('unplan');
  }

  @SagaStep(Visit.steps.inspect)
  inspect(): RoomInspected {
    this.said.push('inspect');
    return new RoomInspected({ ok: true });
  }

  @Compensates(Visit.steps.inspect)
  uninspect(): void {
    this.said.push('uninspect');
  }

  @SagaStep(Sale.steps.offer)
  offer(input: z.infer<typeof rooms>): HouseOffered {
    return new HouseOffered(input);
  }

  @Compensates(Sale.steps.offer)
  unoffer(): void {
    this.said.push('unoffer');
  }

  @SagaStep(Sale.steps.visit)
  visit(offered: HouseOffered): z.infer<typeof rooms> {
    return { rooms: offered.rooms };
  }

  @SagaStep(Sale.steps.checkBuyer)
  check(): BuyerChecked {
    if (this.refused && !this.planning) throw new StepPostponed('the visit is being planned', 5);
    if (this.refused) throw new StepRejected('no money');
    return new BuyerChecked({});
  }

  @SagaStep(Sale.steps.sell)
  sell({ visit }: { readonly visit: HouseVisited }): HouseSold {
    this.said.push(`sell after ${visit.count}`);
    return new HouseSold({});
  }
}

let app: TestingModule;
let steps: HouseSteps;
beforeEach(async () => {
  app = await startedOn(await freshDatabase(), {
    imports: [SagaTrackerModule],
    providers: [HouseSteps],
    saga: { transport: inMemory(), retry: { retries: 1_000, firstDelay: 5, maxDelay: 20 }, circuit: 'off' },
  });
  steps = app.get(HouseSteps);
});

const becomes = (sagaId: string, status: string): Promise<void> =>
  eventually(async () => expect((await app.get(SagaTracker).find(sagaId))?.status).toBe(status));
const openSteps = (): Promise<unknown[]> =>
  app
    .get(DataSource)
    .query<unknown[]>(
      `SELECT saga_type, step, status FROM saga_step WHERE status NOT IN ('compensated', 'rejected', 'cancelled')`,
    );

describe('a saga inside another that fans out', () => {
  test.each([0, 1, 3])('is done when all its branches are: %d of them', async (count) => {
    const names = Array.from({ length: count }, (_, index) => `room-${index}`);
    const { sagaId } = await app.get(Sagas).start(Sale, { rooms: names });
    await becomes(sagaId, 'completed');
    expect(steps.said.at(-1)).toBe(`sell after ${count}`);
  });

  test('is closed for before it has named its branches: nothing of it is left open', async () => {
    let letGo = (): void => undefined;
    Object.assign(steps, { held: new Promise<void>((resolve) => (letGo = resolve)), refused: true });
    const { sagaId } = await app.get(Sagas).start(Sale, { rooms: ['a', 'b'] });
    const cancelled = `SELECT 1 FROM saga_step WHERE step = 'sell' AND status = 'cancelled'`;
    await eventually(async () => expect(await app.get(DataSource).query(cancelled)).toHaveLength(1));
    await eventually(async () =>
      expect(
        await app
          .get(DataSource)
          .query(`SELECT 1 FROM saga_step WHERE step = 'visit' AND successors_closed = '{sell}'`),
      ).toHaveLength(1),
    );
    letGo();
    await becomes(sagaId, 'aborted');
    await eventually(async () => expect(await openSteps()).toEqual([]));
    expect(steps.said.slice(-2)).toEqual(['unplan', 'unoffer']);
  });
});

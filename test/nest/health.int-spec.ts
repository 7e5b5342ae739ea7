import { Injectable } from '@nestjs/common';
import { DomainEvent, SagaStep, Sagas, defineSaga } from 'nest-saga';
import { DataSource } from 'typeorm';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { freshDatabase } from '../support/database.js';
import { startedOn } from './database-scene.js';
import { eventually } from './scene.js';

class Placed extends DomainEvent('order.placed', z.object({ n: z.number() })) {}
const Ordering = defineSaga('ordering', { place: { kind: 'readOnly', emits: Placed } });

@Injectable()
class Steps {
  @SagaStep(Ordering.steps.place)
  place({ n }: { n: number }): Placed {
    return new Placed({ n });
  }
}

it('health is told within a second while the pool has no connection to give, and is up again when it has', async () => {
  const app = await startedOn(await freshDatabase(), { providers: [Steps] }, { poolSize: 2 });
  const sagas = app.get(Sagas);
  await eventually(async () => expect(await sagas.health()).toMatchObject({ up: true, ready: true }));
  const runners = [1, 2].map(() => app.get(DataSource).createQueryRunner());
  await Promise.all(runners.map((runner) => runner.connect()));
  const before = performance.now();
  const starved = await sagas.health();
  const took = performance.now() - before;
  expect(took).toBeLessThan(5_000);
  expect(starved).toMatchObject({ up: false, live: true, ready: false, database: { status: 'unknown' } });
  await Promise.all(runners.map((runner) => runner.release()));
  await eventually(async () =>
    expect(await sagas.health()).toMatchObject({ up: true, ready: true, outbox: { size: 0 } }),
  );
});

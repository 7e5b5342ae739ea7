import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { DomainEvent, SagaStep, Sagas, defineSaga, inMemory, type StepStore, type TransportFactory } from 'nest-saga';
import { MemoryStore } from 'nest-saga/testing';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import { systemClock } from '../../libs/saga/src/adapters/system/system-clock.js';
import { Probe } from '../../libs/saga/src/nest/probe.js';
import { VirtualClock } from '../flow/stage/virtual-clock.js';
import { LogLines } from './log-lines.js';
import { compiled, eventually, started } from './scene.js';

class Placed extends DomainEvent('order.placed', z.object({ n: z.number() })) {}
const Ordering = defineSaga('ordering', { place: { kind: 'readOnly', emits: Placed } });

@Injectable()
class Steps {
  @SagaStep(Ordering.steps.place)
  place({ n }: { n: number }): Placed {
    return new Placed({ n });
  }
}

/** A store that asks this when it is asked for its backlog. */
function storeWith(backlog: StepStore['outbox']['backlog']): StepStore {
  const store = new MemoryStore(systemClock);
  const { outbox } = store;
  const asked = { sweep: outbox.sweep.bind(outbox), delete: outbox.delete.bind(outbox), backlog };
  return new Proxy(store, {
    get: (target, name) => (name === 'outbox' ? asked : Reflect.get(target, name, target)) as unknown,
  });
}

/** A transport in memory, of which some parts are others. */
function transportWith(given: Partial<ReturnType<TransportFactory>>): TransportFactory {
  const factory = inMemory();
  return (context) => Object.assign(factory(context), given);
}

describe('the health of a service', () => {
  it('tells each part, when all is well', async () => {
    const app = await started({ providers: [Steps] });
    await eventually(async () =>
      expect(await app.get(Sagas).health()).toMatchObject({
        up: true,
        live: true,
        ready: true,
        database: { status: 'up', since: expect.any(Date) },
        publishing: { status: 'up' },
        consuming: { status: 'up' },
        groups: [{ group: 'shop', status: 'up', assignment: { 'saga.ordering': [0] }, lag: 0 }],
        findings: [],
        outbox: { size: 0 },
        circuits: [],
        parked: [],
        failing: [],
      }),
    );
  });

  it('is told before the application is initialized, and after it is closed', async () => {
    const app = await compiled({ providers: [Steps] });
    expect(await app.get(Sagas).health()).toMatchObject({
      up: false,
      live: true,
      ready: false,
      database: { status: 'unknown' },
    });
    await app.init();
    await app.close();
    expect(await app.get(Sagas).health()).toMatchObject({ up: false, live: true, consuming: { status: 'down' } });
  });

  it('is told within a second while the database does not answer, which is asked one question at a time', async () => {
    let asked = 0;
    const store = storeWith(() => {
      asked += 1;
      return new Promise(() => undefined);
    });
    const app = await started({ providers: [Steps], saga: { store: () => store } });
    const before = performance.now();
    const healths = await Promise.all([1, 2, 3].map(() => app.get(Sagas).health()));
    expect(performance.now() - before).toBeLessThan(5_000);
    expect(asked).toBe(1);
    for (const health of healths) {
      expect(health).toMatchObject({ up: false, live: true, ready: false, database: { status: 'unknown' } });
      expect(health).not.toHaveProperty('outbox');
      expect(health).not.toHaveProperty('parked');
    }
  });

  it('is told while the database fails, with why', async () => {
    const store = storeWith(() => Promise.reject(new Error('the disk is full')));
    const app = await started({ providers: [Steps], saga: { store: () => store } });
    expect(await app.get(Sagas).health()).toMatchObject({
      up: false,
      ready: false,
      live: true,
      database: { status: 'down', detail: 'the database fails: the disk is full' },
      detail: expect.stringContaining('the disk is full'),
    });
  });

  it('is told when a transport cannot tell its own', async () => {
    const health = (): never => {
      throw new Error('not connected');
    };
    const app = await started({ providers: [Steps], saga: { transport: transportWith({ health }) } });
    expect(await app.get(Sagas).health()).toMatchObject({
      up: false,
      live: true,
      detail: expect.stringContaining('not connected'),
    });
  });

  it('is told of a transport that knows only whether it is up', async () => {
    const health = () => ({ up: true, detail: 'fine' });
    const app = await started({ providers: [Steps], saga: { transport: transportWith({ health }) } });
    expect(await app.get(Sagas).health()).toMatchObject({
      up: true,
      publishing: { status: 'up' },
      consuming: { status: 'up' },
      groups: [],
    });
  });

  it('tells a method that does not return, and asks for a restart when each lane has one', async () => {
    let release = (): void => undefined;
    const hangs = new Promise<void>((resolve) => (release = resolve));
    @Injectable()
    class HangingSteps {
      @SagaStep(Ordering.steps.place)
      async place({ n }: { n: number }): Promise<Placed> {
        await hangs;
        return new Placed({ n });
      }
    }
    const app = await started({ providers: [HangingSteps], saga: { settings: { lanes: 2 } } });
    const sagas = app.get(Sagas);
    onTestFinished(() => void vi.useRealTimers());
    vi.useFakeTimers({ toFake: ['Date'] });
    const first = sagas.start(Ordering, { n: 1 });
    await eventually(async () =>
      expect(await sagas.health()).toMatchObject({ up: true, oldestBatch: expect.any(Date) }),
    );
    vi.setSystemTime(Date.now() + 301_000);
    expect(await sagas.health()).toMatchObject({
      up: false,
      live: true,
      detail: expect.stringContaining('has been running for 301 s'),
    });
    const second = sagas.start(Ordering, { n: 2 });
    await eventually(async () => expect(await sagas.health()).toMatchObject({ up: false, live: true }));
    await sleep(50);
    vi.setSystemTime(Date.now() + 301_000);
    expect(await sagas.health()).toMatchObject({ up: false, live: false });
    release();
    await Promise.all([first, second]);
    await eventually(async () => expect(await sagas.health()).toMatchObject({ up: true, live: true }));
    expect(await sagas.health()).not.toHaveProperty('oldestBatch');
  });

  it('asks for a restart only when the process can never consume any more', async () => {
    const subscribe = async (): Promise<void> => {
      await sleep(2_200); // longer than the start of the application waits
      throw new Error('the topic is compacted');
    };
    const log = new LogLines();
    const app = await started({ providers: [Steps], log, saga: { transport: transportWith({ subscribe }) } });
    expect(await app.get(Sagas).health()).toMatchObject({ live: true, consuming: { status: 'unknown' } });
    await eventually(async () =>
      expect(await app.get(Sagas).health()).toMatchObject({
        live: false,
        consuming: { status: 'down', detail: 'this service hears no saga events: the topic is compacted' },
      }),
    );
  });
});

describe('a question to the database', () => {
  const clock = new VirtualClock();

  it('that is not answered is unknown at first, then down, since it is so; it is asked again in the end', async () => {
    const answers: ((value: string) => void)[] = [];
    const probe = new Probe(clock, 'it', () => new Promise<string>((resolve) => answers.push(resolve)), 800);
    const ask = async () => {
      const asked = probe.ask();
      await clock.advance(800);
      return asked;
    };
    expect(await ask()).toMatchObject({ standing: { status: 'unknown' } });
    await clock.advance(5_000);
    const down = await ask();
    expect(down).toMatchObject({
      standing: { status: 'down', detail: expect.stringContaining('has not answered for') },
    });
    const { since } = (await ask()).standing;
    expect(since).toEqual(down.standing.since);
    expect(answers).toHaveLength(1);
    await clock.advance(30_000);
    const asked = probe.ask();
    answers[1]!('well');
    expect(await asked).toMatchObject({ standing: { status: 'up' }, value: 'well' });
  });
});

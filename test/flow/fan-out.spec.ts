import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineSaga, DomainEvent } from '../../libs/saga/src/definition/index.js';
import type { StepContext } from '../../libs/saga/src/flow/bound-step.js';
import { expanded } from '../../libs/saga/src/protocol/expanded.js';
import { foldSaga, type SagaState } from '../../libs/saga/src/protocol/saga-state.js';
import { write } from './stage/charging.js';
import { StepRejected } from '../../libs/saga/src/protocol/errors.js';
import { settled } from './stage/network.js';
import { eventRecord } from './stage/records.js';
import { bind, Ground, Service } from './stage/service.js';

class Requested extends DomainEvent('trip.requested', z.object({ legs: z.array(z.string()) })) {}
class Reserved extends DomainEvent('leg.reserved', z.object({ leg: z.string() })) {}
class LegRefused extends DomainEvent('leg.refused', z.object({ leg: z.string(), reason: z.string() })) {}
class Confirmed extends DomainEvent('trip.confirmed', z.object({ legs: z.number() })) {}
class Refused extends DomainEvent('trip.refused', z.object({ reason: z.string() })) {}
class Told extends DomainEvent('leg.told', z.object({ leg: z.string() })) {}
class Sent extends DomainEvent('itinerary.sent', z.object({ legs: z.array(z.string()) })) {}

const Trip = defineSaga('trip', {
  request: { emits: Requested },
  reserve: { after: 'request', each: (trip: Requested) => trip.legs, emits: Reserved, rejected: LegRefused },
  confirm: { after: ['request', 'reserve'], kind: 'pivot', emits: Confirmed, rejected: Refused },
  tell: { after: 'confirm', kind: 'retriable', each: (trip: Requested) => trip.legs, emits: Told },
  send: { after: 'tell', kind: 'retriable', emits: Sent },
});

let ground: Ground;
let given: Record<string, unknown>;
let refused: readonly string[];
let heard: string[];
beforeEach(() => {
  ground = new Ground();
  given = {};
  refused = [];
  heard = [];
});

function service(): Promise<Service> {
  const noted = (_input: unknown, saga: StepContext): void => void write(saga, `un-${saga.step}`);
  return Service.started(ground, [
    bind(Trip, 'request', (input: { legs: string[] }) => new Requested(input), { undo: noted }),
    bind(
      Trip,
      'reserve',
      (_trip: Requested, saga) => {
        if (refused.includes(saga.branch)) return new LegRefused({ leg: saga.branch, reason: 'full' });
        write(saga, `${saga.branch} with ${saga.idempotencyKey.split(':').slice(1).join(':')}`);
        return new Reserved({ leg: saga.branch });
      },
      { undo: noted },
    ),
    bind(Trip, 'confirm', (both: { reserve: object }) => {
      given['confirm'] = both;
      return refused.includes('trip') ? new Refused({ reason: 'no' }) : new Confirmed({ legs: 1 });
    }),
    bind(Trip, 'tell', (_trip: Confirmed, saga) => new Told({ leg: saga.branch })),
    bind(Trip, 'send', (told: Record<string, Told>, saga) => {
      given['send'] = told;
      given['branch'] = saga.branch;
      return new Sent({ legs: Object.keys(told) });
    }),
    {
      ...bind(Trip, 'reserve', (_leg: Reserved, saga) => void heard.push(saga.step), {
        hears: { step: 'reserve', outcome: 'done' },
      }),
      node: {
        ...Trip.steps.reserve,
        name: 'Watch.leg(leg.reserved)',
        role: 'retriable',
        predecessors: ['reserve'],
        successors: [],
      },
    },
  ]);
}

async function travelled(
  legs: readonly string[],
  repeat?: number,
): Promise<{ hotel: Service; sagaId: string; state: SagaState }> {
  const hotel = await service();
  const { sagaId } = await hotel.saga.startSaga(Trip, { legs });
  await settled(ground, () => repeat ?? 1);
  await ground.clock.advance(60_000);
  await settled(ground);
  return { hotel, sagaId, state: foldSaga(expanded(Trip, { reserve: legs, tell: legs }), ground.transport.events) };
}

const told = (): readonly string[] => ground.transport.events.map(({ step, outcome }) => `${step} ${outcome}`);

describe('a fan-out', () => {
  it('runs once for each branch that the source names, and its successors are given all of them by name', async () => {
    const { hotel, sagaId, state } = await travelled(['flight', 'hotel', 'car']);
    expect(state).toMatchObject({ status: 'completed', inconsistencies: [] });
    expect(ground.store.effects.toSorted()).toEqual([
      'car with reserve[car]',
      'flight with reserve[flight]',
      'hotel with reserve[hotel]',
    ]);
    expect(given['confirm']).toEqual({
      request: new Requested({ legs: ['flight', 'hotel', 'car'] }),
      reserve: {
        flight: new Reserved({ leg: 'flight' }),
        hotel: new Reserved({ leg: 'hotel' }),
        car: new Reserved({ leg: 'car' }),
      },
    });
    expect((given['confirm'] as { reserve: Record<string, object> }).reserve['car']).toBeInstanceOf(Reserved);
    expect(given['send']).toEqual({
      flight: new Told({ leg: 'flight' }),
      hotel: new Told({ leg: 'hotel' }),
      car: new Told({ leg: 'car' }),
    });
    expect(given['branch']).toBe('');
    expect(await hotel.row(sagaId, 'reserve[hotel]')).toMatchObject({
      status: 'done',
      headers: { branches: { reserve: ['flight', 'hotel', 'car'], tell: ['flight', 'hotel', 'car'] } },
    });
    expect(ground.transport.events.every(({ branches }) => branches !== undefined)).toBe(true);
  });

  it('of one branch is a record of one, and of none leaves its place to what follows', async () => {
    const one = await travelled(['train']);
    expect(one.state.status).toBe('completed');
    expect(given['send']).toEqual({ train: new Told({ leg: 'train' }) });
    ground = new Ground();
    const none = await travelled([]);
    expect(none.state.status).toBe('completed');
    expect(given['confirm']).toEqual({ request: new Requested({ legs: [] }), reserve: {} });
    expect(given['send']).toEqual({});
    expect(told()).toEqual(['request done', 'confirm done', 'send done']);
  });

  it('closes with the others when one of its branches is refused: those that ran are undone, then the source', async () => {
    refused = ['hotel'];
    const { state, hotel } = await travelled(['flight', 'hotel', 'car']);
    expect(state).toMatchObject({
      status: 'aborted',
      inconsistencies: [],
      steps: { 'reserve[hotel]': 'rejected', confirm: 'cancelled', 'tell[car]': 'cancelled', request: 'compensated' },
    });
    expect(ground.store.effects.at(-1)).toBe('un-request');
    expect(ground.store.effects.filter((effect) => effect.startsWith('un-')).toSorted()).toEqual(
      [
        'un-request',
        ...ground.store.effects.filter((e) => e.includes('with')).map((e) => `un-reserve[${e.split(' ')[0]}]`),
      ].toSorted(),
    );
    expect(hotel.tally.snapshot().anomaly).toBe(0);
  });

  it.each([[['a', 'b']], [[]]])(
    'closes backwards over its branches %j when the pivot is refused, whatever is redelivered',
    async (legs) => {
      refused = ['trip'];
      const { state, hotel } = await travelled(legs, 2);
      expect(state).toMatchObject({ status: 'aborted', inconsistencies: [] });
      expect(ground.store.effects.filter((effect) => effect.startsWith('un-'))).toHaveLength(legs.length + 1);
      expect(hotel.tally.snapshot().anomaly).toBe(0);
    },
  );

  it('is heard branch by branch by a listener', async () => {
    await travelled(['flight', 'hotel']);
    expect(heard.toSorted()).toEqual(['Watch.leg(leg.reserved)[flight]', 'Watch.leg(leg.reserved)[hotel]']);
  });
});

it('where the source is refused, all that follows is cancelled, and no branch ever is', async () => {
  const hotel = await Service.started(ground, [
    bind(Trip, 'request', () => {
      throw new StepRejected('no trips today');
    }),
    bind(Trip, 'reserve', () => new Reserved({ leg: '' })),
    bind(Trip, 'confirm', () => new Confirmed({ legs: 1 })),
    bind(Trip, 'send', () => new Sent({ legs: [] })),
  ]);
  await hotel.saga.startSaga(Trip, { legs: ['flight'] });
  await settled(ground);
  expect(told()).toEqual(['request rejected', 'confirm cancelled', 'send cancelled']);
  expect(foldSaga(expanded(Trip, undefined), ground.transport.events)).toMatchObject({ status: 'aborted' });
  expect(hotel.tally.snapshot()).toMatchObject({ anomaly: 0, deadLettered: 0 });
});

describe('branches that cannot be', () => {
  it.each<[names: unknown, why: string]>([
    [['a', 'a'], '"a" is there twice'],
    [[''], '"" is no name of 1 to 64 letters'],
    [['a b'], '"a b" is no name'],
    [['x'.repeat(65)], 'is no name'],
    [Array.from({ length: 101 }, (_, index) => `leg-${index}`), 'there are 101, 100 are the most'],
  ])('%j fail the start, and nothing is left behind', async (legs, why) => {
    const hotel = await service();
    await expect(hotel.saga.startSaga(Trip, { legs })).rejects.toThrow(why);
    expect(ground.store.commits).toBe(0);
    expect(ground.transport.events).toEqual([]);
  });

  it('a hundred of them can be', async () => {
    const legs = Array.from({ length: 100 }, (_, index) => `${'x'.repeat(60)}-${index}`);
    const { state } = await travelled(legs);
    expect(state.status).toBe('completed');
  });

  it('are poison in a record: unknown fan-outs, none where there must be, a branch that nobody named', async () => {
    const hotel = await service();
    const branches = { reserve: ['flight'], tell: ['flight'] };
    const data = { legs: ['flight'] };
    await ground.transport.deliver([
      eventRecord(Trip, 'request', 'done', data, {}),
      eventRecord(Trip, 'request', 'done', data, { branches: { reserve: ['flight'] } }),
      eventRecord(Trip, 'request', 'done', data, { branches: { ...branches, pay: [] } }),
      eventRecord(Trip, 'confirm', 'done', { legs: 1 }, { step: 'reserve[car]', type: 'leg.reserved', branches }),
    ]);
    expect(hotel.tally.snapshot().deadLettered).toBe(4);
    await ground.transport.deliver([eventRecord(Trip, 'request', 'done', data, { branches, sagaId: randomUUID() })]);
    expect(hotel.tally.snapshot().deadLettered).toBe(4);
  });
});

describe('an abort of a saga with a fan-out', () => {
  it('needs its branches: while the source is not done it is to be asked for again', async () => {
    const hotel = await service();
    await expect(
      hotel.saga.publishAbort({ saga: Trip, sagaId: randomUUID(), reason: 'changed my mind' }),
    ).rejects.toMatchObject({
      code: 'BRANCHES_UNKNOWN',
      facts: { retriable: true },
    });
  });

  it('cancels the branches that have not begun and undoes the others', async () => {
    const hotel = await service();
    const legs = ['flight', 'hotel'];
    const { sagaId } = await hotel.saga.startSaga(Trip, { legs });
    await hotel.saga.publishAbort({ saga: Trip, sagaId, reason: 'changed my mind' });
    await settled(ground);
    await ground.clock.advance(60_000);
    await settled(ground);
    const state = foldSaga(expanded(Trip, { reserve: legs, tell: legs }), ground.transport.events);
    expect(state).toMatchObject({ status: 'aborted', inconsistencies: [] });
    expect(hotel.tally.snapshot().anomaly).toBe(0);
  });
});

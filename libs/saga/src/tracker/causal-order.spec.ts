import { describe, expect, test } from 'vitest';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { defineSaga } from '../definition/define-saga.js';
import { DomainEvent } from '../definition/domain-event.js';
import { messageId, type Envelope } from '../protocol/envelope.js';
import type { Outcome } from '../protocol/outcome.js';
import { causalOrder } from './causal-order.js';

const anything: StandardSchemaV1<object, object> = {
  '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: value as object }) },
};
const event = (type: string) => class extends DomainEvent(type, anything) {};

/** place; reserve and charge beside each other; ship joins them and commits. */
const Order = defineSaga('order', {
  place: { emits: event('placed') },
  reserve: { after: 'place', emits: event('reserved') },
  charge: { after: 'place', emits: event('charged') },
  ship: { after: ['reserve', 'charge'], emits: event('shipped') },
});

const GoingOn = defineSaga('going-on', {
  place: { emits: event('placed') },
  reserve: { after: 'place', onDeadLetter: 'continue', emits: event('reserved') },
  ship: { after: 'reserve', emits: event('shipped') },
});

const sagaId = '018f0000-0000-7000-8000-000000000001';

/** @param minute what the clock of its service said */
function happened(step: string, outcome: Outcome, minute: number, cause?: readonly [string, Outcome]): Envelope {
  return {
    id: messageId(sagaId, step, outcome),
    type: `${step}.${outcome}`,
    source: '/test',
    time: new Date(Date.UTC(2024, 0, 1, 0, minute)).toISOString(),
    sagaId,
    sagaType: 'order',
    sagaVersion: 1,
    step,
    outcome,
    correlationId: sagaId,
    partitionKey: sagaId,
    ...(cause && { causationId: messageId(sagaId, ...cause) }),
    data: {},
  };
}

const told = (events: readonly Envelope[]): readonly string[] =>
  causalOrder(Order, events).map(({ step, outcome }) => `${step} ${outcome}`);

describe('history', () => {
  test('is in the order of time where nothing led to anything', () => {
    expect(told([happened('reserve', 'done', 2), happened('place', 'done', 1)])).toEqual([
      'place done',
      'reserve done',
    ]);
  });

  test('has each event after its cause, whatever the clocks said', () => {
    const events = [
      happened('place', 'done', 30),
      happened('reserve', 'done', 5, ['place', 'done']),
      happened('charge', 'done', 1, ['place', 'done']),
    ];
    expect(told(events)).toEqual(['place done', 'charge done', 'reserve done']);
  });

  test('has a join after all that it joins, though it names one cause', () => {
    const events = [
      happened('place', 'done', 1),
      happened('reserve', 'done', 50, ['place', 'done']),
      happened('charge', 'done', 2, ['place', 'done']),
      happened('ship', 'done', 3, ['charge', 'done']),
    ];
    expect(told(events)).toEqual(['place done', 'charge done', 'reserve done', 'ship done']);
  });

  test('has an undo after what it undoes and after the closing of all that follows', () => {
    const events = [
      happened('place', 'compensated', 1, ['charge', 'compensated']),
      happened('reserve', 'compensated', 90, ['ship', 'rejected']),
      happened('charge', 'compensated', 2, ['ship', 'rejected']),
      happened('ship', 'rejected', 80, ['charge', 'done']),
      happened('charge', 'done', 70, ['place', 'done']),
      happened('reserve', 'done', 60, ['place', 'done']),
      happened('place', 'done', 50),
    ];
    expect(told(events)).toEqual([
      'place done',
      'charge done',
      'reserve done',
      'ship rejected',
      'charge compensated',
      'reserve compensated',
      'place compensated',
    ]);
  });

  test('is the same for every order of arrival', () => {
    const events = [
      happened('place', 'done', 1),
      happened('reserve', 'done', 1, ['place', 'done']),
      happened('charge', 'done', 1, ['place', 'done']),
      happened('ship', 'done', 1, ['charge', 'done']),
    ];
    const orders = permutations(events).map((order) => told(order).join());
    expect(orders).toHaveLength(24);
    expect(new Set(orders).size).toBe(1);
  });

  test('compares times, not their texts', () => {
    const early = { ...happened('place', 'done', 0), time: '2024-01-01T02:00:00+02:00' };
    const late = { ...happened('reserve', 'done', 0), time: '2024-01-01T00:30:00.000Z' };
    expect(told([late, early])).toEqual(['place done', 'reserve done']);
  });

  test('ends though the evidence contradicts itself', () => {
    const events = [
      happened('place', 'done', 1, ['reserve', 'done']),
      happened('reserve', 'done', 2, ['place', 'done']),
      happened('nowhere', 'done', 3, ['nowhere', 'done']),
    ];
    expect(told(events).toSorted()).toEqual(['nowhere done', 'place done', 'reserve done']);
  });
});

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, index) =>
    permutations([...items.slice(0, index), ...items.slice(index + 1)]).map((rest) => [item, ...rest]),
  );
}

test('has the undo that went on after a dead letter behind that letter, and not behind what became of it later', () => {
  const events = [
    happened('place', 'compensated', 1),
    happened('reserve', 'deadLettered', 5),
    happened('reserve', 'compensated', 9, ['reserve', 'deadLettered']),
  ];
  expect(causalOrder(GoingOn, events).map(({ step, outcome }) => `${step} ${outcome}`)).toEqual([
    'reserve deadLettered',
    'place compensated',
    'reserve compensated',
  ]);
});

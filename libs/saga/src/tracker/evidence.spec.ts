import type { StandardSchemaV1 } from '@standard-schema/spec';
import { describe, expect, test } from 'vitest';
import { defineSaga } from '../definition/define-saga.js';
import { fingerprintOf } from '../definition/fingerprint.js';
import { DomainEvent } from '../definition/domain-event.js';
import { messageId, type Envelope } from '../protocol/envelope.js';
import type { Outcome } from '../protocol/outcome.js';
import { evidenceOf } from './evidence.js';

const anything: StandardSchemaV1<object, object> = {
  '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: value as object }) },
};
const event = (type: string) => class extends DomainEvent(type, anything) {};
const Order = defineSaga('order', {
  place: { emits: event('placed') },
  charge: { after: 'place', emits: event('charged') },
});
const OrderV2 = defineSaga(
  'order',
  {
    place: { emits: event('placed') },
    check: { after: 'place', kind: 'readOnly', emits: event('checked') },
    charge: { after: 'check', emits: event('charged') },
  },
  { version: 2 },
);
const Refund = defineSaga('refund', { pay: { emits: event('paid') } });

const sagaId = '018f0000-0000-7000-8000-000000000001';

function happened(step: string, outcome: Outcome, rest: Partial<Envelope> = {}): Envelope {
  return {
    id: messageId(sagaId, step, outcome),
    type: `${step}.${outcome}`,
    source: '/test',
    time: '2024-01-01T00:00:00.000Z',
    sagaId,
    sagaType: 'order',
    sagaVersion: 1,
    step,
    outcome,
    correlationId: 'http-7',
    partitionKey: sagaId,
    data: {},
    ...rest,
  };
}

describe('the events of a saga prove', () => {
  test('its state, its correlation and when it started, in whatever order they came', () => {
    const events = [
      happened('charge', 'done', { time: '2024-01-01T00:00:09.000Z' }),
      happened('place', 'done', { time: '2024-01-01T01:00:01.000+01:00' }),
    ];
    const expected = {
      saga: Order,
      status: 'completed',
      steps: { place: 'done', charge: 'done' },
      inconsistencies: [],
      debts: [],
      version: 1,
      correlationId: 'http-7',
      startedAt: '2024-01-01T01:00:01.000+01:00',
    };
    expect(evidenceOf([Order, Refund], events)).toEqual(expected);
    expect(evidenceOf([Refund, Order], events.toReversed())).toEqual(expected);
  });

  test('that one id is used by two sagas, and the state of the same one in every order', () => {
    const events = [happened('place', 'done'), happened('pay', 'done', { sagaType: 'refund' })];
    for (const order of [events, events.toReversed()]) {
      expect(evidenceOf([Order, Refund], order)).toMatchObject({
        saga: Order,
        status: 'running',
        inconsistencies: ['saga "refund" has the same id'],
      });
    }
  });

  test('nothing of definitions that are gone, beside the one that is known', () => {
    const events = [happened('old', 'done', { sagaType: 'abandoned' }), happened('place', 'done')];
    expect(evidenceOf([Order], events)).toMatchObject({
      saga: Order,
      inconsistencies: ['saga "abandoned" has the same id'],
    });
  });

  test('its state by the definition of its own version', () => {
    const checked = { ...happened('check', 'done', { sagaVersion: 2 }) };
    const story = [happened('place', 'done', { sagaVersion: 2 }), checked];
    expect(evidenceOf([Order, OrderV2], story)).toMatchObject({ saga: OrderV2, version: 2, status: 'running', inconsistencies: [] }); // prettier-ignore
    const finished = [...story, happened('charge', 'done', { sagaVersion: 2 })];
    expect(evidenceOf([OrderV2, Order], finished)).toMatchObject({ status: 'completed', inconsistencies: [] });
  });

  test('nothing where no definition of their version is known', () => {
    expect(evidenceOf([Order], [happened('place', 'done', { sagaVersion: 2 })])).toBeUndefined();
  });

  test('that events of two versions have one id', () => {
    const events = [happened('charge', 'done', { sagaVersion: 2 }), happened('place', 'done')];
    const expected = { saga: Order, status: 'running', inconsistencies: ['it has events of version 2 as well'] };
    expect(evidenceOf([Order, OrderV2], events)).toMatchObject(expected);
    expect(evidenceOf([OrderV2, Order], events.toReversed())).toMatchObject(expected);
  });

  test('violations of the protocol, in one order', () => {
    const events = [
      happened('charge', 'done'),
      happened('charge', 'rejected'),
      happened('place', 'done'),
      happened('nowhere', 'done'),
    ];
    const [first, ...others] = [events, events.toReversed()].map(
      (order) => evidenceOf([Order], order)?.inconsistencies,
    );
    expect(first).toEqual([
      '"nowhere" is no step of saga "order"',
      'step "charge" closed although the pivot "charge" is done',
      'step "charge" is both done and rejected',
    ]);
    expect(others).toEqual([first]);
  });

  test('that participants went by different graphs of one version, or by one that the tracker does not have', () => {
    const [a, b] = ['1:00000000000000aa', '1:00000000000000bb'] as const;
    const of = (graph: string, step: string) => happened(step, 'done', { graph });
    const found = (...events: Envelope[]) => evidenceOf([Order], events, [b])?.inconsistencies;
    expect(found(of(a, 'place'), of(b, 'charge'))).toEqual([`its events are of different graphs of version 1: ${a} and ${b}`]); // prettier-ignore
    expect(found(of(a, 'place'))).toEqual([`its events are of graph ${a} of version 1, the tracker has ${fingerprintOf(Order)}`]); // prettier-ignore
    expect(found(of(fingerprintOf(Order), 'place'), happened('charge', 'done'), of('2:new', 'charge'))).toEqual([]);
    expect(found(of(b, 'place'))).toEqual([]);
  });
});

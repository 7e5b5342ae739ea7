import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { expanded } from '../protocol/expanded.js';
import { defineSaga, type SagaOptions } from './define-saga.js';
import { DomainEvent } from './domain-event.js';
import { differences, fingerprintOf, isComparable, outlineOf } from './fingerprint.js';
import type { StepSpec } from './step-spec.js';

const event = (type: string) => class extends DomainEvent(type, z.object({ id: z.string() })) {};
const [Placed, Reserved, Charged, Shipped, OutOfStock] = [
  'order.placed',
  'stock.reserved',
  'card.charged',
  'order.shipped',
  'out.of.stock',
].map(event);
const Inner = (version: number) =>
  defineSaga('payment', { pay: { emits: event('paid') } }, { version, commits: 'withParent' });
const specs = {
  place: { emits: Placed! },
  reserve: { after: 'place', emits: Reserved!, rejected: OutOfStock! },
  charge: { after: 'place', emits: Charged! },
  ship: { after: ['reserve', 'charge'], kind: 'pivot', emits: Shipped! },
} as const;
const define = (change: Record<string, Partial<StepSpec>> = {}, options: SagaOptions = {}, name = 'order') => {
  const steps = Object.fromEntries(
    Object.entries<object>(specs).map(([step, spec]) => [step, { ...spec, ...change[step] }]),
  );
  return defineSaga(name, steps as never, options);
};

describe('the fingerprint of a graph', () => {
  it('is the same in every release: this one was written down', () => {
    expect(fingerprintOf(define())).toBe('1:cc294ba15152e151');
    expect(fingerprintOf(defineSaga('order', { place: { emits: Placed! } }))).toBe('1:ff86ff8dad4c8274');
  });

  it('does not depend on the order in which the definition was written down', () => {
    const { ship, charge, reserve, place } = specs;
    const turned = defineSaga('order', { ship: { ...ship, after: ['charge', 'reserve'] }, charge, reserve, place });
    expect(fingerprintOf(turned)).toBe(fingerprintOf(define()));
  });

  it.each([
    ['a schema', { reserve: { emits: class extends DomainEvent('stock.reserved', z.object({ id: z.string(), at: z.string().optional() })) {} } }], // prettier-ignore
    ['a deadline', { ship: { deadline: 1_000 } }],
    ['where a step works', { ship: { effect: 'external' } }],
    ['what the default of its kind is, said aloud', { reserve: { kind: 'compensatable', onDeadLetter: 'halt' } }],
  ] as [string, Record<string, Partial<StepSpec>>][])('does not depend on %s', (_, change) => {
    expect(fingerprintOf(define(change))).toBe(fingerprintOf(define()));
  });

  it('is another one for another edge, role, kind, event type, onDeadLetter, each, when, nested saga, name and version', () => {
    const graphs = [
      define(),
      define({ charge: { after: 'reserve' } }),
      define({ ship: { kind: 'retriable' }, charge: { kind: 'pivot', after: 'reserve' } }),
      define({ reserve: { kind: 'readOnly' } }),
      define({ reserve: { emits: event('stock.held') } }),
      define({ reserve: { rejected: event('none.left') } }),
      define({ reserve: { compensated: event('stock.released') } }),
      define({
        reserve: {
          cancelled: class extends DomainEvent(
            'stock.left',
            z.object({ failedStep: z.string(), reason: z.string() }),
          ) {},
        },
      }),
      define({ reserve: { onDeadLetter: 'continue' } }),
      define({ reserve: { each: () => [] } }),
      define({ reserve: { when: () => true } }),
      define({ charge: { emits: event('paid.all'), saga: Inner(1) } }),
      define({ charge: { emits: event('paid.all'), saga: Inner(2) } }),
      define({}, { version: 2 }),
      define({}, {}, 'orders'),
    ];
    const fingerprints = graphs.map(fingerprintOf);
    expect(new Set(fingerprints).size).toBe(graphs.length);
    expect(fingerprints.filter(isComparable)).toEqual(fingerprints);
  });

  it('is that of the definition, not of the branches of one saga', () => {
    const saga = define({ reserve: { each: () => [] } });
    const graph = expanded(saga, { reserve: ['a', 'b'] });
    expect(Object.keys(graph.steps)).toContain('reserve[a]');
    expect(fingerprintOf(graph)).toBe(fingerprintOf(saga));
  });

  it.each(['2:0123456789abcdef', '1:0123', '1:0123456789ABCDEF', '', 'x', '0123456789abcdef'])(
    'cannot be compared with "%s"',
    (other) => expect(isComparable(other)).toBe(false),
  );
});

describe('two graphs of one version', () => {
  it('are told apart step by step', () => {
    const other = defineSaga('order', {
      place: { emits: Placed! },
      reserve: { after: 'place', emits: Reserved!, onDeadLetter: 'continue' },
      charge: { after: 'reserve', kind: 'pivot', emits: Charged! },
      mail: { after: 'charge', kind: 'retriable', emits: event('mail.sent'), when: () => true } as never,
    });
    expect(differences(outlineOf(define()), outlineOf(other))).toEqual([
      'step "charge" comes after place here and reserve there',
      'step "charge" is compensatable (compensatable) here and pivot (pivot) there',
      'step "reserve" emits stock.reserved, out.of.stock, order.reserve.compensated, order.reserve.cancelled here and stock.reserved, order.reserve.rejected, order.reserve.compensated, order.reserve.cancelled there',
      'step "reserve" has onDeadLetter halt here and continue there',
      'step "ship" is here only',
      'step "mail" is there only',
    ]);
  });

  it('are told apart by nothing when they are the same', () => {
    expect(differences(outlineOf(define()), outlineOf(define()))).toEqual([]);
  });
});

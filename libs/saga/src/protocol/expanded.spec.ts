import { describe, expect, test } from 'vitest';
import { defineSaga } from '../definition/define-saga.js';
import { DomainEvent } from '../definition/domain-event.js';
import { expanded } from './expanded.js';

const schema = {
  '~standard': { version: 1, vendor: 'spec', validate: (value: unknown) => ({ value: value as object }) },
} as const;
const event = (type: string) => class extends DomainEvent(type, schema) {};

/** a; b×; c×; P after c and a; R× */
const saga = defineSaga('wide', {
  a: { emits: event('a') },
  b: { after: 'a', each: () => [], emits: event('b') },
  c: { after: 'b', each: () => [], emits: event('c') },
  P: { after: ['c', 'a'], kind: 'pivot', emits: event('P') },
  R: { after: 'P', kind: 'retriable', each: () => [], emits: event('R') },
});

function edges(branches: Readonly<Record<string, readonly string[]>> | undefined): readonly string[] {
  const { steps } = expanded(saga, branches);
  const forward = Object.values(steps).flatMap(({ name, successors }) => successors.map((to) => `${name} ${to}`));
  const backward = Object.values(steps).flatMap(({ name, predecessors }) =>
    predecessors.map((from) => `${from} ${name}`),
  );
  expect(forward.toSorted()).toEqual(backward.toSorted());
  return forward;
}

describe('the graph of one saga', () => {
  test('has a step for each branch, with all edges', () => {
    expect(edges({ b: ['x', 'y'], c: ['1', '2'], R: ['r'] })).toEqual([
      'a b[x]',
      'a b[y]',
      'a P',
      'b[x] c[1]',
      'b[x] c[2]',
      'b[y] c[1]',
      'b[y] c[2]',
      'c[1] P',
      'c[2] P',
      'P R[r]',
    ]);
    expect(expanded(saga, { b: ['x'], c: [], R: ['r'] }).steps['R[r]']).toMatchObject({
      role: 'retriable',
      branchOf: { step: 'R', branch: 'r' },
    });
  });

  test('joins what is before a fan-out without branches to what is after it', () => {
    expect(edges({ b: [], c: ['1'], R: [] })).toEqual(['a P', 'a c[1]', 'c[1] P']);
    expect(edges({ b: ['x'], c: [], R: [] })).toEqual(['a b[x]', 'a P', 'b[x] P']);
    expect(edges({ b: [], c: [], R: [] })).toEqual(['a P']);
    expect(expanded(saga, { b: [], c: [], R: [] }).sinks).toEqual(['P']);
  });

  test('is the one without branches as long as the source is not done', () => {
    expect(edges(undefined)).toEqual(['a P']);
  });

  test('is made once for the same branches, whoever asks', () => {
    expect(expanded(saga, { b: ['x'], c: [], R: [] })).toBe(expanded(saga, { R: [], c: [], b: ['x'] }));
  });

  test('is the definition itself where nothing fans out', () => {
    const linear = defineSaga('linear', { a: { emits: event('a') } });
    expect(expanded(linear, undefined)).toBe(linear);
    const graph = expanded(saga, undefined);
    expect(expanded(graph, { b: ['x'] })).toBe(graph);
  });
});

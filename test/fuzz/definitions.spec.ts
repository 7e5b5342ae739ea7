import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  defineSaga,
  DomainEvent,
  InvalidSagaDefinition,
  type SagaGraph,
} from '../../libs/saga/src/definition/index.js';
import { anyHostile, anyText } from './odd-values.js';
import { patience, tries } from './tries.js';

const schema = {
  '~standard': { version: 1, vendor: 'spec', validate: (value: unknown) => ({ value: value as object }) },
} as const;
const events = Array.from({ length: 6 }, (_, index) => class extends DomainEvent(`event.${index}`, schema) {});

/** As JavaScript calls it. */
const define = defineSaga as unknown as (name: unknown, steps: unknown, options?: unknown) => SagaGraph;

function answerTo(...given: Parameters<typeof define>): SagaGraph | InvalidSagaDefinition {
  try {
    return define(...given);
  } catch (error) {
    if (error instanceof InvalidSagaDefinition) return error;
    throw error;
  }
}

const names = ['a', 'b', 'c', 'constructor', '__proto__', 'toString', 'two words', ''];
const anyName = fc.oneof({ weight: 5, arbitrary: fc.constantFrom('a', 'b', 'c') }, fc.constantFrom(...names), anyText);
const strange = (own: object): unknown =>
  Object.defineProperties(() => undefined, Object.getOwnPropertyDescriptors(own));
const strangers = fc.constantFrom<unknown>(
  strange({ type: 'no.schema' }),
  strange({ type: '../../topic', schema }),
  strange({
    get type(): string {
      throw new Error('no type of me');
    },
  }),
  new Proxy(events[0]!, {
    get() {
      throw new Error('no property of me');
    },
  }),
);
const anyEvent = fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...events) }, strangers, anyHostile);
const anyStep = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record(
      {
        emits: anyEvent,
        after: fc.oneof({ weight: 4, arbitrary: anyName }, fc.array(anyName, { maxLength: 3 }), anyHostile),
        kind: fc.oneof({ weight: 4, arbitrary: fc.constantFrom('pivot', 'retriable', undefined) }, anyHostile),
        undo: fc.oneof({ weight: 9, arbitrary: fc.constantFrom('direct', 'semantic') }, anyHostile),
        effect: fc.oneof({ weight: 9, arbitrary: fc.constant('external') }, anyHostile),
        onDeadLetter: fc.oneof({ weight: 9, arbitrary: fc.constant('continue') }, anyHostile),
        when: anyHostile,
        deadline: anyHostile,
        expires: anyHostile,
        awaits: anyHostile,
        rejected: anyEvent,
        compensated: anyEvent,
        cancelled: anyEvent,
        on: anyEvent,
        input: anyHostile,
      },
      { requiredKeys: ['emits'] },
    ),
  },
  anyHostile,
);
const anySteps = fc.oneof({ weight: 9, arbitrary: fc.dictionary(anyName, anyStep, { maxKeys: 4 }) }, anyHostile);
const anyOptions = fc.oneof(
  fc.constant(undefined),
  fc.record({ deadline: anyHostile, version: anyHostile, partitionBy: anyHostile }, { requiredKeys: [] }),
  anyHostile,
);

describe('whatever a definition is made of', () => {
  test('it is sound, or refused with its violations in words', { timeout: patience }, () => {
    fc.assert(
      fc.property(fc.oneof(fc.constant('some'), anyHostile), anySteps, anyOptions, (name, steps, options) => {
        const answer = answerTo(name, steps, options);
        const texts = answer instanceof InvalidSagaDefinition ? answer.violations : namesOf(answer);
        expect(texts.length).toBeGreaterThan(0);
        expect(texts.join('').length).toBeLessThan(500_000);
      }),
      tries(500),
    );
  });

  test('it is answered in a moment, however large', { timeout: patience }, () => {
    const count = 200;
    const all = Array.from({ length: count }, (_, index) => `s${index}`);
    const step = (after: readonly string[]) => ({
      emits: class extends DomainEvent(`e.${after.length}`, schema) {},
      after,
    });
    const dense = Object.fromEntries(all.map((name, index) => [name, step(all.slice(0, index))]));
    const from = performance.now();
    expect(namesOf(define('dense', dense))).toHaveLength(count);
    expect(() => define('cyclic', { ...dense, s0: step(all) })).toThrow('form a cycle');
    expect(() =>
      define('endless', Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`s${i}`, {}]))),
    ).toThrow('it has 100000 steps, 200 are the most');
    expect(() => define('wide', { a: step([]), b: { ...step([]), after: Array(1_000_000).fill('a') } })).toThrow(
      'step "b": its after is an object; name a step, or list up to 200',
    );
    expect(performance.now() - from).toBeLessThan(20_000);
  });
});

function namesOf(saga: SagaGraph): readonly string[] {
  return Object.values(saga.steps).map(({ name, events: { done } }) => `${name} ${done.type}`);
}

describe('a definition that JavaScript got wrong says what is wrong', () => {
  const [A, B] = events;
  test.each<[string, unknown, unknown, unknown, string]>([
    ['no name', undefined, { a: { emits: A } }, {}, 'its name is undefined; name it with a text'],
    ['no steps', 'x', null, {}, 'its steps: expected an object, got null'],
    ['a list of steps', 'x', [{ emits: A }], {}, 'its steps: expected an object, got an object'],
    ['a step that is none', 'x', { a: 'emits' }, {}, 'step "a": expected an object, got "emits"'],
    ['a kind that is none', 'x', { a: { emits: A, kind: 'pivto' } }, {}, 'its kind is "pivto"; use "compensatable" or'],
    ['an undo that is none', 'x', { a: { emits: A, undo: true } }, {}, 'its undo is true; use "direct" or "semantic"'],
    [
      'an effect that is none',
      'x',
      { a: { emits: A, effect: 'outside' } },
      {},
      'its effect is "outside"; use "external"',
    ],
    ['an after that is none', 'x', { a: { emits: A }, b: { emits: B, after: 7 } }, {}, 'its after is 7; name a step'],
    ['an input that is no schema', 'x', { a: { emits: A, input: {} } }, {}, 'its input is no schema'],
    [
      'a step named as every object has a property',
      'x',
      { toString: { emits: A } },
      {},
      'step "toString": every object',
    ],
    ['a version too late', 'x', { a: { emits: A } }, { version: 2 ** 31 }, 'a whole number from 1 to 999999999'],
    ['a key that is none', 'x', { a: { emits: A } }, { partitionBy: 5 }, 'its partitionBy is 5; name a field'],
    ['options that are none', 'x', { a: { emits: A } }, 'v2', 'its options: expected an object, got "v2"'],
    [
      'an event without a schema',
      'x',
      {
        a: {
          emits: strange({ type: 'a' }),
        },
      },
      {},
      'its emits is no event class',
    ],
  ])('%s', (_, name, steps, options, violation) => {
    const answer = answerTo(name, steps, options);
    expect(answer).toBeInstanceOf(InvalidSagaDefinition);
    expect((answer as InvalidSagaDefinition).message).toContain(violation);
  });

  test('and lists all of it', () => {
    const answer = answerTo('no good', { a: { emits: A, kind: 'x' }, b: null, 'c d': { emits: 'e' } }, { version: 0 });
    expect((answer as InvalidSagaDefinition).violations).toHaveLength(7);
  });

  test('an event without a schema says so when it is declared', () => {
    expect(() => DomainEvent('task.created', undefined as never)).toThrow(
      'has no schema; give it one of a Standard Schema',
    );
    expect(() => DomainEvent(Symbol('t') as never, schema)).toThrow('Event type "of type symbol" cannot name a topic');
  });
});

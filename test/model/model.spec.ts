import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { arrivalOrders } from './arrival-orders.js';
import { realCore, type Core } from './core.js';
import { definitions, fannedOut } from './definitions.js';
import {
  acknowledged,
  acknowledgedOutside,
  acknowledgedWithAborts,
  outside,
  plain,
  undoneByHand,
  withAborts,
  withDeadLetters,
} from './environment.js';
import { explore } from './explore.js';
import { anyDefinition } from './random-definition.js';
import { heading, reportOn } from './report.js';

const small = ['a, b, P, R', 'a, b, c, d: the last commits', 'a; P; r‖s'];
const everywhere = [plain, withAborts, withDeadLetters, acknowledged];
/** `npm run model` has the rest. */
const withoutOutside = ['a; b→d ‖ c; P'];

const cases = Object.entries(definitions).flatMap(([name, saga]) =>
  [
    ...everywhere,
    ...(withoutOutside.includes(name) ? [] : [outside]),
    ...(small.includes(name) ? [acknowledgedWithAborts, acknowledgedOutside, undoneByHand] : []),
  ].map((environment) => ({ name, saga, environment })),
);

const wide = Object.entries(fannedOut).flatMap(([name, saga]) =>
  (Object.keys(saga.steps).length > 4 ? [plain, withAborts] : everywhere).map((environment) => ({
    name,
    saga,
    environment,
  })),
);

describe('the protocol holds in every order and repetition of every event', { timeout: 60_000 }, () => {
  const lines: string[] = [heading];
  afterAll(() => console.log(lines.join('\n')));

  test.each([...cases, ...wide])('$name, $environment.name', ({ name, saga, environment }) => {
    const { line, states, problem } = reportOn(name, saga, realCore, environment);
    lines.push(line);
    expect(problem).toBeUndefined();
    expect(states).toBeGreaterThan(10);
  });

  test('the exploration is deterministic', () => {
    const again = () => explore(definitions['a; b‖c; P; R'], realCore, withDeadLetters);
    expect({ ...again(), scene: undefined }).toEqual({ ...again(), scene: undefined });
  });

  test('any sound definition', () => {
    const holds = fc.property(anyDefinition(5), (saga) => {
      expect(reportOn(saga.name, saga, realCore, withAborts).problem).toBeUndefined();
    });
    fc.assert(holds, { numRuns: 25, seed: 2 });
  });

  test('also when a step that is undone at once announces that it was done', () => {
    const advance: Core['advance'] = (step, state, signal) => {
      const answer = realCore.advance(step, state, signal);
      return signal.type === 'effectRecorded' && answer.run === 'compensation' ? { ...answer, emit: 'done' } : answer;
    };
    const announcing = { ...realCore, advance };
    for (const saga of Object.values(definitions))
      expect(reportOn(saga.name, saga, announcing, withAborts).problem).toBeUndefined();
  });
});

describe('the tracker', () => {
  const runs = explore(definitions['a, b, P, R'], realCore, plain);

  test('knows the end of every run in whatever order its events arrive', () => {
    expect(arrivalOrders(runs, realCore.foldSaga)).toEqual({ orders: 888, wrong: 0 });
    const withLetters = explore(definitions['a; P; r‖s'], realCore, withDeadLetters);
    expect(arrivalOrders(withLetters, realCore.foldSaga)).toEqual({ orders: 13_608, wrong: 0 });
  });

  test('which keeps only the last event is wrong in 732 of 888 orders', () => {
    const keepsLast: Core['foldSaga'] = (saga, facts) => realCore.foldSaga(saga, [...facts].slice(-1));
    const { orders, wrong, example } = arrivalOrders(runs, keepsLast);
    expect({ orders, wrong }).toEqual({ orders: 888, wrong: 732 });
    expect(example).toMatchInlineSnapshot(
      `"after a rejected, b cancelled, P cancelled, R cancelled it says compensating, and the saga is aborted"`,
    );
  });
});

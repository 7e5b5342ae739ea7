import { afterAll, describe, expect, test } from 'vitest';
import { realCore } from './core.js';
import { printed } from './counterexample.js';
import { defined } from './definitions.js';
import { explore } from './explore.js';
import { mutants } from './mutants.js';

describe('a broken protocol is caught', () => {
  const found: string[] = [];
  afterAll(() => console.log(found.join('\n\n')));

  test.each(mutants)('$name: $falls falls', ({ name, saga, core, environment, falls }) => {
    const { counterexample } = explore(saga, core, environment);
    expect(counterexample?.invariant.name).toBe(falls);
    found.push(`${name}\n${printed(counterexample!)}`);
  });

  test.each(mutants.filter(({ core, environment }) => core !== realCore || environment.fault))(
    '$name: it is the mutation that is caught',
    ({ saga, environment: { fault: _without, ...environment } }) => {
      expect(explore(saga, realCore, environment).counterexample).toBeUndefined();
    },
  );

  test('an unsound graph cannot be defined in the first place', () => {
    const afterPivot = { a: {}, P: { after: ['a'], kind: 'pivot' }, R: { after: ['P'] } } as const;
    const twoSinks = { a: {}, b: { after: ['a'] }, c: { after: ['a'] } };
    expect(() => defined('unsound', afterPivot)).toThrow('step "R" is compensatable but comes after the pivot "P"');
    expect(() => defined('unsound', twoSinks)).toThrow('steps "b", "c" are all last and no pivot is named');
  });

  test('the counterexample can be read: the step whose tombstone is missing runs and is never undone', () => {
    const { saga, core, environment } = mutants[0]!;
    expect(printed(explore(saga, core, environment).counterexample!)).toMatchInlineSnapshot(`
      "I8 falls (in the end all is done, or all is closed and undone): nothing is left to do, and "a" is done, "b" is rejected, "c" is done, "P" is cancelled, "R" is cancelled
         1. a is started: none → running
         2. a has its effect
         3. a records its effect: running → done, publishes "a done"
         4. b reads "a done": none → running
         5. b is refused: running → rejected, publishes "b rejected"
         6. a reads "b rejected"
         7. P reads "b rejected": none → cancelled, publishes "P cancelled"
         8. b reads "P cancelled"
         9. c reads "P cancelled"
        10. c reads "a done": none → running
        11. c has its effect
        12. c records its effect: running → done, publishes "c done"
        13. P reads "c done"
        14. R reads "P cancelled": none → cancelled, publishes "R cancelled"
        15. P reads "R cancelled""
    `);
  });
});

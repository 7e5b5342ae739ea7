import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { optionViolations } from '../../libs/saga/src/nest/option-checks.js';
import { anyHostile } from './odd-values.js';
import { patience, tries } from './tries.js';

/** What of the options is sound. */
const sound = { service: 'shop', transport: () => undefined as never };
const names = [
  'service',
  'prefix',
  'transport',
  'topics',
  'retry',
  'settings',
  'sagas',
  'store',
  'dataSource',
  'migrations',
  'consume',
];

describe('whatever the module is given for options', () => {
  test('is taken, or refused in words', { timeout: patience }, () => {
    const anyOptions = fc.dictionary(
      fc.constantFrom(...names),
      fc.oneof(anyHostile, fc.dictionary(fc.constantFrom('lanes', 'lease', 'retries', 'x'), anyHostile)),
    );
    fc.assert(
      fc.property(anyOptions, (options) => {
        for (const violation of optionViolations({ ...sound, ...options })) expect(violation).toMatch(/^.{10,400}$/s);
      }),
      tries(60),
    );
  });

  test.each<[string, object, string]>([
    ['sagas that are none', { sagas: [null] }, 'sagas is a list; list definitions made with defineSaga'],
    ['a store that is no function', { store: {} }, 'store is an object; give it a function that makes a store'],
    ['a nameless data source', { dataSource: '' }, 'dataSource is ""; give it the name of a TypeORM DataSource'],
    ['settings that are a text', { settings: 'fast' }, 'settings is "fast"; it is an object of lanes, batchSize'],
    [
      'a time that no timer can wait for',
      { settings: { sweepEvery: 2 ** 31 } },
      'settings.sweepEvery is 2147483648; it is milliseconds',
    ],
    [
      'a delay that no date can hold',
      { retry: { firstDelay: 1e300 } },
      'retry.firstDelay is 1e+300; it is milliseconds',
    ],
    [
      'no bytes for events',
      { settings: { maxEventBytes: 0 } },
      'settings.maxEventBytes is 0; it is a whole number from 1',
    ],
  ])('%s: refused with what to do', (_, options, violation) => {
    expect(optionViolations({ ...sound, ...options }).join()).toContain(violation);
  });
});

import { InvalidSagaSetup, SagaModule, inMemory, type SagaModuleOptions } from 'nest-saga';
import { Test } from '@nestjs/testing';
import { describe, expect, test } from 'vitest';
import { started } from './scene.js';

async function violationsOf(options: object): Promise<readonly string[]> {
  const error: unknown = await started({ saga: options }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(InvalidSagaSetup);
  return (error as InvalidSagaSetup).violations;
}

describe('an option that cannot be is named with what it is and what it may be', () => {
  const wrong: [string, object, string][] = [
    [
      'an empty service name',
      { service: '' },
      'service is ""; name the service with up to 100 letters, digits, ".", "_" or "-", such as "assignment"',
    ],
    [
      'a service name that is no part of a topic',
      { service: 'my service' },
      'service is "my service"; name the service with up to 100 letters, digits, ".", "_" or "-", such as "assignment"',
    ],
    [
      'a service name that is missing',
      { service: undefined },
      'service is undefined; name the service with up to 100 letters, digits, ".", "_" or "-", such as "assignment"',
    ],
    [
      'an illegal prefix',
      { prefix: 'test/' },
      'prefix is "test/"; use up to 100 letters, digits, ".", "_" or "-", such as "test."',
    ],
    [
      'an unknown word for topics',
      { topics: 'perEvent' },
      'topics is "perEvent"; use "perSaga" or "perType" or "perDomain", or a function of the event',
    ],
    ['an unknown word for migrations', { migrations: 'auto' }, 'migrations is "auto"; use "automatic" or "manual"'],
    ['no switch for debug', { debug: 'yes' }, 'debug is "yes"; it is true or false'],
    ['an unknown word for consume', { consume: 'never' }, 'consume is "never"; use "bootstrap" or "manual"'],
    ['no transport', { transport: undefined }, 'transport is undefined; give it kafka({ brokers }) or inMemory()'],
    ['a retry time', { retry: { firstDelay: Number.NaN } }, 'retry.firstDelay is NaN; it is milliseconds, 0 or more'],
    ['a retry count that is a text', { retry: { retries: '3' } }, 'retry.retries is "3"; it is a whole number from 0'],
    [
      'a retry rule whose error is no class',
      { retry: { on: [{ error: 'TypeError', retries: 0 }] } },
      'retry.on[0].error is "TypeError"; give it a class of errors, such as SomeError',
    ],
    [
      'a retry rule with a count that is none',
      { retry: { on: [{ error: TypeError, retries: -1 }] } },
      'retry.on[0].retries is -1; it is a whole number from 0',
    ],
    [
      'retry rules that are no list',
      { retry: { on: {} } },
      'retry.on is an object; it is a list of rules: [{ error: SomeError, retries: 0 }]',
    ],
    ['a circuit that never opens', { circuit: { failures: 0 } }, 'circuit.failures is 0; it is a whole number from 1'],
    ['a circuit that is no circuit', { circuit: 'on' }, 'circuit is "on"; use "off", or { failures, halfOpenAfter }'],
    [
      'a misspelled part of the retry policy',
      { retry: { attempts: 3 } },
      'retry.attempts is unknown; there are retries, firstDelay, maxDelay, jitter',
    ],
    ['a retention of no time', { retention: { keep: 0 } }, 'retention.keep is 0; it is milliseconds, more than 0'],
    [
      'a retention that does not say how long',
      { retention: { margin: 5 } },
      'retention.keep is missing; it is how long settled sagas are kept, in milliseconds',
    ],
    [
      'a history shorter than the rows',
      { retention: { keep: 1_000, history: 10 } },
      'retention.history is 10; it is at least retention.keep, 1000',
    ],
    [
      'a misspelled part of the retention',
      { retention: { keep: 1_000, days: 7 } },
      'retention.days is unknown; there are keep, margin, history, every, batchSize',
    ],
    ['no lanes', { settings: { lanes: 0 } }, 'settings.lanes is 0; it is a whole number from 1'],
    ['no batches', { settings: { batchSize: 0 } }, 'settings.batchSize is 0; it is a whole number from 1'],
    ['no lease', { settings: { lease: 0 } }, 'settings.lease is 0; it is milliseconds, more than 0'],
  ];

  test.each(wrong)('%s', async (_what, options, violation) => {
    expect(await violationsOf(options)).toEqual([violation]);
  });

  test('all of them in one error', async () => {
    expect(await violationsOf({ service: '', topics: 'x', consume: 'x', settings: { lanes: -1 } })).toHaveLength(4);
  });
});

test('options that may be are taken: a service that retries for ever, a prefix, a function for topics', async () => {
  const options: Partial<SagaModuleOptions> = {
    prefix: 'test.',
    retry: { retries: Infinity, jitter: 1, on: [{ error: TypeError, retries: 0 }] },
    circuit: { failures: 1 },
    topics: ({ type }) => type,
    migrations: 'manual',
    consume: 'manual',
  };
  await expect(started({ saga: options })).resolves.toBeDefined();
});

test('the options of forRootAsync are checked as well', async () => {
  const compiling = Test.createTestingModule({
    imports: [SagaModule.forRootAsync({ useFactory: async () => ({ service: '', transport: inMemory() }) })],
  }).compile();
  await expect(compiling).rejects.toThrow('service is ""');
});

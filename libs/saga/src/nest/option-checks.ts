import type { RetryPolicy } from '../protocol/retry.js';
import type { CircuitSetting } from './circuit-breakers.js';
import type { SagaModuleOptions } from './saga.options.js';

const words = {
  topics: ['perSaga', 'perType', 'perDomain'],
  migrations: ['automatic', 'manual'],
  consume: ['bootstrap', 'manual'],
} as const;

/** What is wrong with the module's options. They may come from JavaScript or from the environment, where no compiler has seen them. */
export function optionViolations(options: SagaModuleOptions): readonly string[] {
  const { service, prefix, transport, topics, retry, settings, circuit } = options;
  return [
    ...unless(
      typeof service === 'string' && /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(service),
      `service is ${told(service)}; name the service with up to 100 letters, digits, ".", "_" or "-", such as "assignment"`,
    ),
    ...unless(
      prefix === undefined || (typeof prefix === 'string' && /^[A-Za-z0-9._-]{0,100}$/.test(prefix)),
      `prefix is ${told(prefix)}; use up to 100 letters, digits, ".", "_" or "-", such as "test."`,
    ),
    ...unless(
      typeof transport === 'function',
      `transport is ${told(transport)}; give it kafka({ brokers }) or inMemory()`,
    ),
    ...(typeof topics === 'function' ? [] : wordViolations('topics', topics, ', or a function of the event')),
    ...wordViolations('migrations', options.migrations),
    ...wordViolations('consume', options.consume),
    ...retryViolations('retry', retry),
    ...circuitViolations('circuit', circuit),
    ...numberViolations('settings', settings, {
      lanes: wholeFromOne,
      batchSize: wholeFromOne,
      lease: positive,
      sweepEvery: positive,
      maxEventBytes: wholeFromOne,
    }),
    ...retentionViolations(options.retention),
  ];
}

function retentionViolations(retention: SagaModuleOptions['retention']): readonly string[] {
  if (!retention) return [];
  const { keep, history } = retention;
  return [
    ...numberViolations('retention', retention, {
      keep: positive,
      margin: fromZero,
      history: positive,
      every: positive,
      batchSize: wholeFromOne,
    }),
    ...unless(
      typeof keep === 'number',
      'retention.keep is missing; it is how long settled sagas are kept, in milliseconds',
    ),
    ...unless(
      history === undefined || history >= keep,
      `retention.history is ${history}; it is at least retention.keep, ${keep}`,
    ),
  ];
}

/** What is wrong with a retry policy, or with the part of one that differs from the default. */
export function retryViolations(name: string, policy: Partial<RetryPolicy> | undefined): readonly string[] {
  const { on, ...numbers } = policy ?? {};
  return [...numberViolations(name, numbers, retryRules), ...ruleViolations(`${name}.on`, on)];
}

/** They may come from JavaScript: a rule whose error is misspelled would fit nothing. */
function ruleViolations(name: string, rules: unknown): readonly string[] {
  if (rules === undefined) return [];
  if (!Array.isArray(rules))
    return [`${name} is ${told(rules)}; it is a list of rules: [{ error: SomeError, retries: 0 }]`];
  return rules.flatMap((rule: Readonly<Record<string, unknown>>, index) => {
    const { error, ...numbers } = rule;
    return [
      ...unless(
        typeof error === 'function',
        `${name}[${index}].error is ${told(error)}; give it a class of errors, such as SomeError`,
      ),
      ...numberViolations(`${name}[${index}]`, numbers, retryRules),
    ];
  });
}

/** What is wrong with what is said of a circuit. */
export function circuitViolations(name: string, circuit: CircuitSetting | undefined): readonly string[] {
  if (circuit === 'off') return [];
  if (circuit !== undefined && (typeof circuit !== 'object' || circuit === null))
    return [`${name} is ${told(circuit)}; use "off", or { failures, halfOpenAfter }`];
  return numberViolations(name, circuit, { failures: wholeFromOne, halfOpenAfter: positive });
}

interface Rule {
  readonly holds: (value: number) => boolean;
  readonly text: string;
}

const wholeFromOne: Rule = {
  holds: (value) => Number.isSafeInteger(value) && value >= 1,
  text: 'a whole number from 1',
};
const positive: Rule = { holds: (value) => Number.isFinite(value) && value > 0, text: 'milliseconds, more than 0' };
const fromZero: Rule = { holds: (value) => Number.isFinite(value) && value >= 0, text: 'milliseconds, 0 or more' };

const retryRules: Readonly<Record<Exclude<keyof RetryPolicy, 'on'>, Rule>> = {
  retries: {
    holds: (value) => value === Infinity || (Number.isSafeInteger(value) && value >= 0),
    text: 'a whole number from 0',
  },
  firstDelay: fromZero,
  maxDelay: fromZero,
  jitter: { holds: (value) => value >= 0 && value <= 1, text: 'from 0 to 1' },
};

function numberViolations<T extends object>(
  name: string,
  given: T | undefined,
  rules: Readonly<Record<keyof T & string, Rule>>,
): readonly string[] {
  return Object.entries<unknown>({ ...given }).flatMap(([key, value]) => {
    const rule = Object.entries<Rule>(rules).find(([known]) => known === key)?.[1];
    if (!rule) return [`${name}.${key} is unknown; there are ${Object.keys(rules).join(', ')}`];
    if (value === undefined || (typeof value === 'number' && rule.holds(value))) return [];
    return [`${name}.${key} is ${told(value)}; it is ${rule.text}`];
  });
}

function wordViolations(name: keyof typeof words, value: unknown, otherwise = ''): readonly string[] {
  const known: readonly unknown[] = words[name];
  return unless(
    value === undefined || known.includes(value),
    `${name} is ${told(value)}; use ${known.map(told).join(' or ')}${otherwise}`,
  );
}

function unless(holds: boolean, violation: string): readonly string[] {
  return holds ? [] : [violation];
}

function told(value: unknown): string {
  return typeof value === 'string' ? `"${value}"` : String(value);
}

import { isSaga } from '../definition/define-saga.js';
import type { RetryPolicy } from '../protocol/retry.js';
import type { CircuitSetting } from './circuit-breakers.js';
import { fleetViolations } from './fleet-checks.js';
import type { HandlerMetadata } from './handler-metadata.js';
import { outsideViolations } from './outside-checks.js';
import type { SagaModuleOptions } from './saga.options.js';

const words = {
  topics: ['perSaga', 'perType', 'perDomain'],
  migrations: ['automatic', 'manual'],
  lostTables: ['refuse', 'makeAgain'],
  consume: ['bootstrap', 'manual'],
  transaction: ['own', 'shared'],
} as const;

const names: Readonly<Record<keyof SagaModuleOptions, true>> = {
  service: true,
  transport: true,
  topics: true,
  prefix: true,
  dataSource: true,
  migrations: true,
  lostTables: true,
  sagas: true,
  acceptsGraphs: true,
  handsOver: true,
  takesOver: true,
  retry: true,
  circuit: true,
  transaction: true,
  settings: true,
  outside: true,
  retention: true,
  consume: true,
  globalEnhancers: true,
  debug: true,
  store: true,
};

/** What is wrong with the module's options. They may come from JavaScript or from the environment, where no compiler has seen them. */
export function optionViolations(options: Partial<SagaModuleOptions>): readonly string[] {
  const { service, prefix, transport, topics, retry, settings, circuit, sagas, store, dataSource } = options;
  const unknown = Object.keys(options).filter((name) => !Object.hasOwn(names, name));
  return [
    ...unknown.map((name) => `${name.slice(0, 100)} is unknown; there are ${Object.keys(names).join(', ')}`),
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
    ...unless(
      sagas === undefined || (Array.isArray(sagas) && sagas.every(isSaga)),
      `sagas is ${told(sagas)}; list definitions made with defineSaga`,
    ),
    ...fleetViolations(options),
    ...unless(
      store === undefined || typeof store === 'function',
      `store is ${told(store)}; give it a function that makes a store, or leave it out`,
    ),
    ...unless(
      dataSource === undefined || (typeof dataSource === 'string' && dataSource !== ''),
      `dataSource is ${told(dataSource)}; give it the name of a TypeORM DataSource, or leave it out`,
    ),
    ...switchViolations('globalEnhancers', options.globalEnhancers),
    ...switchViolations('debug', options.debug),
    ...(typeof topics === 'function' ? [] : wordViolations('topics', topics, ', or a function of the event')),
    ...wordViolations('migrations', options.migrations),
    ...wordViolations('lostTables', options.lostTables),
    ...wordViolations('consume', options.consume),
    ...wordViolations('transaction', options.transaction),
    ...retryViolations('retry', retry),
    ...circuitViolations('circuit', circuit),
    ...numberViolations('settings', settings, {
      lanes: wholeFromOne,
      batchSize: wholeFromOne,
      lease: positive,
      sweepEvery: positive,
      maxEventBytes: wholeFromOne,
      drainWithin: fromZero,
      alertAfter: fromZero,
    }),
    ...retentionViolations(options.retention),
    ...outsideViolations(options.outside),
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
  const entries = entriesOf(policy ?? {});
  if (!entries) return [`${name} is ${told(policy)}; it is an object of ${Object.keys(retryRules).join(', ')}, on`];
  const { on, ...numbers } = Object.fromEntries(entries);
  return [...numberViolations(name, numbers, retryRules), ...ruleViolations(`${name}.on`, on)];
}

/** They may come from JavaScript: a rule whose error is misspelled would fit nothing. */
function ruleViolations(name: string, rules: unknown): readonly string[] {
  if (rules === undefined) return [];
  if (!Array.isArray(rules))
    return [`${name} is ${told(rules)}; it is a list of rules: [{ error: SomeError, retries: 0 }]`];
  return rules.slice(0, 100).flatMap((rule: unknown, index) => {
    const { error, ...numbers } = Object.fromEntries(entriesOf(rule) ?? []);
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

/** What is wrong with what the option transport made. */
export function transportViolations(transport: unknown): readonly string[] {
  const isTransport = typeof transport === 'object' && transport !== null && 'publish' in transport;
  const made = typeof transport === 'function' ? 'a function' : told(transport);
  return unless(
    isTransport,
    `transport made ${transport instanceof Promise ? 'a promise' : made} instead of a transport; call what you give it: kafka({ brokers }) or inMemory()`,
  );
}

/** What is wrong with the options of a decorator. */
export function handlerOptionViolations(label: string, { kind, options }: HandlerMetadata): readonly string[] {
  const known = kind === 'listener' ? ['retry', 'transaction', 'name'] : ['retry', 'circuit', 'transaction'];
  const entries = entriesOf(options);
  if (!entries) return [`${label} has ${told(options)} for options; give it { ${known.join(', ')} }, or nothing`];
  const { name } = options;
  return [
    ...entries
      .filter(([key]) => !known.includes(key))
      .map(([key]) => `${label} has an option ${key.slice(0, 100)}, which is unknown; there are ${known.join(', ')}`),
    ...unless(
      name === undefined || (typeof name === 'string' && /^[A-Za-z0-9._-]{1,100}$/.test(name)),
      `${label}: name is ${told(name)}; use up to 100 letters, digits, ".", "_" or "-"`,
    ),
    ...wordViolations('transaction', options.transaction, '', `${label}: `),
    ...retryViolations(`${label}: retry`, options.retry),
    ...circuitViolations(`${label}: circuit`, options.circuit),
  ];
}

interface Rule {
  readonly holds: (value: number) => boolean;
  readonly text: string;
}

/** 24 days: a timer for longer would go off at once. */
const longest = 2_147_483_647;

const wholeFromOne: Rule = {
  holds: (value) => Number.isSafeInteger(value) && value >= 1,
  text: 'a whole number from 1',
};
const positive: Rule = { holds: (value) => value > 0 && value <= longest, text: 'milliseconds, more than 0' };
const fromZero: Rule = { holds: (value) => value >= 0 && value <= longest, text: 'milliseconds, 0 or more' };

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
  const entries = entriesOf(given ?? {});
  if (!entries) return [`${name} is ${told(given)}; it is an object of ${Object.keys(rules).join(', ')}`];
  return entries.flatMap(([key, value]) => {
    const rule = Object.entries<Rule>(rules).find(([known]) => known === key)?.[1];
    if (!rule) return [`${name}.${key.slice(0, 100)} is unknown; there are ${Object.keys(rules).join(', ')}`];
    if (value === undefined || (typeof value === 'number' && rule.holds(value))) return [];
    return [`${name}.${key} is ${told(value)}; it is ${rule.text}`];
  });
}

/** Nothing for what is no plain object. */
function entriesOf(given: unknown): readonly (readonly [string, unknown])[] | undefined {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return undefined;
  try {
    return Object.entries({ ...given });
  } catch {
    return undefined;
  }
}

function switchViolations(name: string, given: unknown): readonly string[] {
  return unless(given === undefined || typeof given === 'boolean', `${name} is ${told(given)}; it is true or false`);
}

function wordViolations(name: keyof typeof words, value: unknown, otherwise = '', where = ''): readonly string[] {
  const known: readonly unknown[] = words[name];
  return unless(
    value === undefined || known.includes(value),
    `${where}${name} is ${told(value)}; use ${known.map(told).join(' or ')}${otherwise}`,
  );
}

function unless(holds: boolean, violation: string): readonly string[] {
  return holds ? [] : [violation];
}

function told(value: unknown): string {
  if (typeof value === 'string') return `"${value.slice(0, 100)}"`;
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'an object' : String(value).slice(0, 100);
}

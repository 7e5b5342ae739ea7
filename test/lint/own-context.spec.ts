import { describe, expect, test } from 'vitest';
import { lint } from './lint.js';

const globalRule = 'eslint(no-restricted-globals)';
const importRule = 'eslint(no-restricted-imports)';
const propertyRule = 'eslint(no-restricted-properties)';

/** [what makes a timer or a context, how, the rule that refuses it] */
const refused: [what: string, source: string, rule: string][] = [
  ['setTimeout', 'export const x = setTimeout(() => undefined, 1);', globalRule],
  ['setInterval', 'export const x = setInterval(() => undefined, 1);', globalRule],
  ['setImmediate', 'export const x = setImmediate(() => undefined);', globalRule],
  ['setTimeout of globalThis', 'export const x = globalThis.setTimeout(() => undefined, 1);', globalRule],
  ['node:timers', "import { setTimeout } from 'node:timers';\nexport const x = setTimeout;", importRule],
  ['timers', "import * as timers from 'timers';\nexport const x = timers;", importRule],
  [
    'node:timers/promises',
    "import { setTimeout as sleep } from 'node:timers/promises';\nexport const x = sleep;",
    importRule,
  ],
  ['timers/promises', "import { scheduler } from 'timers/promises';\nexport const x = scheduler;", importRule],
  ['AsyncResource', "import { AsyncResource } from 'node:async_hooks';\nexport const x = AsyncResource;", importRule],
  ['all of async_hooks', "import * as hooks from 'async_hooks';\nexport const x = hooks;", importRule],
  [
    'AsyncLocalStorage.snapshot',
    "import { AsyncLocalStorage } from 'node:async_hooks';\nexport const x = AsyncLocalStorage.snapshot();",
    propertyRule,
  ],
  [
    'AsyncLocalStorage.bind',
    "import { AsyncLocalStorage } from 'node:async_hooks';\nexport const x = AsyncLocalStorage.bind(() => 1);",
    propertyRule,
  ],
  ['AbortSignal.timeout', 'export const x = AbortSignal.timeout(1);', propertyRule],
];

const rooms = ['flow', 'flow/time', 'adapters/kafka', 'adapters/kafka/inner', 'ports', 'nest', 'tracker', 'testing'];
const fileIn = (room: string, index: number) => `libs/saga/src/${room}/makes-${index}.ts`;
const theDoor = 'libs/saga/src/ports/own-context.ts';
const storage = 'libs/saga/src/nest/keeps.ts';
const spec = 'libs/saga/src/flow/waits.spec.ts';
const found = lint({
  ...Object.fromEntries(rooms.flatMap((room) => refused.map(([, source], index) => [fileIn(room, index), source]))),
  [theDoor]: `${refused[10]![1]}\nexport const y = setTimeout(() => undefined, 1);`,
  [storage]: "import { AsyncLocalStorage } from 'node:async_hooks';\nexport const x = new AsyncLocalStorage<string>();",
  [spec]: refused[6]![1],
});

describe.each(rooms)('%s makes no timer and no async context', (room) => {
  test.each(refused.map(([what, , rule], index) => [what, index, rule] as const))('by %s', (_what, index, rule) => {
    expect(found[fileIn(room, index)]).toEqual([rule]);
  });
});

test('one file makes both', () => {
  expect(found[theDoor]).toEqual([]);
});

test('a storage of its own, and waiting in specs, are everybody’s', () => {
  expect([found[storage], found[spec]]).toEqual([[], []]);
});

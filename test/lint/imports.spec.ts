import { describe, expect, test } from 'vitest';
import { lint } from './lint.js';

const inLibrary = (room: string) => `libs/saga/src/${room}`;

/** [fact, the importing file, what it imports] */
const refused: [fact: string, file: string, specifier: string][] = [
  ['definition imports no other room', inLibrary('definition/a.ts'), '../protocol/envelope.js'],
  ['definition knows no Nest', inLibrary('definition/b.ts'), '@nestjs/common'],
  ['definition knows no TypeORM', inLibrary('definition/c.ts'), 'typeorm'],
  ['definition knows no Kafka', inLibrary('definition/d.ts'), 'kafkajs'],
  ['definition knows no Node module', inLibrary('definition/e.ts'), 'node:crypto'],
  ['definition knows no schema library', inLibrary('definition/f.ts'), 'zod'],
  ['protocol imports no ports', inLibrary('protocol/a.ts'), '../ports/clock.js'],
  ['protocol knows no Nest', inLibrary('protocol/b.ts'), '@nestjs/core'],
  ['protocol knows no TypeORM', inLibrary('protocol/c.ts'), 'typeorm'],
  ['protocol knows no Kafka', inLibrary('protocol/d.ts'), 'kafkajs'],
  ['protocol knows no Node module', inLibrary('protocol/e.ts'), 'node:timers/promises'],
  ['ports import no flow', inLibrary('ports/a.ts'), '../flow/deliver.js'],
  ['ports import no adapter', inLibrary('ports/b.ts'), '../adapters/memory/memory.outbox.js'],
  ['flow imports no adapter', inLibrary('flow/a.ts'), '../adapters/typeorm/typeorm.outbox.js'],
  ['flow imports no nest', inLibrary('flow/b.ts'), '../nest/saga.module.js'],
  ['flow does not import the public API', inLibrary('flow/c.ts'), '../index.js'],
  ['a folder of flow imports no adapter', inLibrary('flow/time/a.ts'), '../../adapters/memory/memory-store.js'],
  ['a folder of flow imports no nest', inLibrary('flow/operate/a.ts'), '../../nest/saga.module.js'],
  ['an adapter imports no flow', inLibrary('adapters/kafka/a.ts'), '../../flow/deliver.js'],
  ['an adapter imports no nest', inLibrary('adapters/kafka/b.ts'), '../../nest/saga.module.js'],
  ['an adapter imports no other adapter', inLibrary('adapters/kafka/c.ts'), '../memory/memory.outbox.js'],
  ['a folder of an adapter imports no flow', inLibrary('adapters/typeorm/entities/a.ts'), '../../../flow/deliver.js'],
  ['a folder of an adapter imports no other adapter', inLibrary('adapters/typeorm/entities/b.ts'), '../../kafka/x.js'],
  ['the library imports no contracts', inLibrary('nest/a.ts'), '@samples/contracts'],
  ['the library imports no app', inLibrary('console/a.ts'), '../../../../apps/task/src/task.module.js'],
  ['the library does not import itself by name', inLibrary('cli/a.ts'), 'nest-saga'],
  ['contracts do not import the whole library', 'libs/contracts/src/a.ts', 'nest-saga'],
  ['contracts import no Nest', 'libs/contracts/src/b.ts', '@nestjs/common'],
  ['contracts import no file of the library', 'libs/contracts/src/c.ts', '../../saga/src/definition/index.js'],
  ['contracts import no app', 'libs/contracts/src/d.ts', '../../../apps/task/src/task.entity.js'],
  ['a folder of the contracts stays inside too', 'libs/contracts/src/events/a.ts', '../../../saga/src/index.js'],
  ['an app imports no other app', 'apps/task/src/a.ts', '../../assignment/src/assignment.module.js'],
  ['an app imports no deep path of the library', 'apps/task/src/b.ts', 'nest-saga/definition'],
  ['an app imports no file of the library', 'apps/task/src/c.ts', '../../../libs/saga/src/index.js'],
  ['an app imports no deep path of the contracts', 'apps/task/src/d.ts', '@samples/contracts/task.events'],
  ['an app ships no test kit', 'apps/task/src/e.ts', 'nest-saga/testing'],
  ['a folder of an app imports no other app', 'apps/task/src/web/a.ts', '../../../assignment/src/x.js'],
  ['a spec of an app imports no other app', 'apps/task/src/a.spec.ts', '../../assignment/src/x.js'],
  ['an example imports no app', 'examples/order-fulfilment/src/a.ts', '../../../apps/task/src/task.module.js'],
  ['an example imports no deep path of the library', 'examples/order-fulfilment/src/b.ts', 'nest-saga/definition'],
];

const allowed: typeof refused = [
  ['definition imports its own files', inLibrary('definition/ok.ts'), './checks.js'],
  ['definition knows the type of a schema', inLibrary('definition/ok2.ts'), '@standard-schema/spec'],
  ['protocol imports definition', inLibrary('protocol/ok.ts'), '../definition/graph.js'],
  ['ports import protocol', inLibrary('ports/ok.ts'), '../protocol/envelope.js'],
  ['flow imports ports', inLibrary('flow/ok.ts'), '../ports/clock.js'],
  ['a folder of flow imports flow', inLibrary('flow/time/ok.ts'), '../delivery.js'],
  ['a folder of flow imports protocol', inLibrary('flow/time/ok2.ts'), '../../protocol/envelope.js'],
  ['an adapter imports ports', inLibrary('adapters/kafka/ok.ts'), '../../ports/transport.js'],
  ['an adapter imports its driver', inLibrary('adapters/kafka/ok2.ts'), 'kafkajs'],
  ['a folder of an adapter imports the adapter', inLibrary('adapters/typeorm/entities/ok.ts'), '../schema.js'],
  ['a folder of an adapter imports protocol', inLibrary('adapters/typeorm/entities/ok2.ts'), '../../../protocol/x.js'],
  ['nest imports flow and adapters', inLibrary('nest/ok.ts'), '../adapters/kafka/kafka.transport.js'],
  ['a spec of the library imports anything of it', inLibrary('flow/ok.spec.ts'), '../adapters/memory/x.js'],
  ['contracts import the definition', 'libs/contracts/src/ok.ts', 'nest-saga/definition'],
  ['contracts import a schema library', 'libs/contracts/src/ok2.ts', 'zod'],
  ['a folder of the contracts imports its neighbors', 'libs/contracts/src/events/ok.ts', '../task.events.js'],
  ['an app imports the library', 'apps/task/src/ok.ts', 'nest-saga'],
  ['an app imports the contracts', 'apps/task/src/ok2.ts', '@samples/contracts'],
  ['an app imports Nest', 'apps/task/src/ok3.ts', '@nestjs/common'],
  ['a spec of an app imports the test kit', 'apps/task/src/ok.spec.ts', 'nest-saga/testing'],
];

/** Every way to name a module: static, type only, re-export, dynamic. */
const forms: [form: string, write: (specifier: string) => string][] = [
  ['an import', (specifier) => `import { x } from '${specifier}';\nexport const y = x;\n`],
  ['a type import', (specifier) => `import type { X } from '${specifier}';\nexport type Y = X;\n`],
  ['a re-export', (specifier) => `export { x } from '${specifier}';\n`],
  ['a dynamic import', (specifier) => `export const x = await import('${specifier}');\n`],
];

describe.each(forms)('who may import whom, by %s', (_form, write) => {
  const found = lint(Object.fromEntries([...refused, ...allowed].map(([, file, name]) => [file, write(name)])));

  test.each(refused)('%s', (_fact, file) => {
    expect(found[file]).toEqual(['eslint(no-restricted-imports)']);
  });

  test.each(allowed)('%s', (_fact, file) => {
    expect(found[file]).toEqual([]);
  });
});

const withoutDecorators = ['definition', 'protocol', 'ports', 'flow'].map((room) =>
  inLibrary(`${room}/inline-type.ts`),
);
const inline = lint(
  Object.fromEntries(withoutDecorators.map((file) => [file, "export type X = import('typeorm').DataSource;\n"])),
);

test.each(withoutDecorators)('%s names no module inside a type', (file) => {
  expect(inline[file]).toEqual(['typescript(consistent-type-imports)']);
});

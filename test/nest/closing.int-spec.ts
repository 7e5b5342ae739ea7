import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundle, type Bundle } from '../support/bundle.js';

const programs: Bundle[] = [];
beforeAll(async () => {
  for (const names of ['kept', 'minified'] as const)
    programs.push(await bundle({ closing: 'test/nest/closing-apps.ts' }, { names }));
});
afterAll(() => Promise.all(programs.map((program) => program.remove())));

const closed = [
  'twiceAtOnce',
  'neverInitialized',
  'whileStarting',
  'inMidBatch',
  'severalInOneProcess',
  'wrongSetup',
  'methodThatNeverReturns',
  'SagaError: This application was closed, its sagas with it; make a new one.',
  'initializedAfterClose',
  'startedAfterClose',
];

test.each([
  ['as it is', 0],
  ['with minified names', 1],
])(
  'a process whose applications are closed ends by itself, however they are closed, and no rejection is unhandled: %s',
  { timeout: 120_000 },
  async (_names, index) => {
    const child = spawn(process.execPath, ['--unhandled-rejections=strict', programs[index]!.main('closing')], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const late = setTimeout(() => child.kill('SIGKILL'), 100_000);
    const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
    clearTimeout(late);
    expect({ lines: out.trim().split('\n'), err, code: code as unknown }).toEqual({ lines: closed, err: '', code: 0 });
  },
);

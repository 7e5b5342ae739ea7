import { expect, test } from 'vitest';
import { LogLines } from './log-lines.js';
import { allSteps } from './order-steps.js';
import { eventually, started } from './scene.js';

test('a healthy first start says once what the service consumes, and nothing that sounds like trouble', async () => {
  const log = new LogLines();
  await started({ providers: [...allSteps], log });
  await eventually(() => expect(log.lines.filter((line) => line.startsWith('Consumes '))).toHaveLength(1));
  expect(log.lines.at(-1)).toBe('Consumes saga.order, saga.compensation.failed as group "shop".');
  expect([...log.warnings, ...log.errors, ...log.details]).toEqual([]);
});

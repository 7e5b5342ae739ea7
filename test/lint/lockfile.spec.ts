import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';

const Locked = z.object({
  resolved: z.string().optional(),
  optionalDependencies: z.record(z.string(), z.string()).optional(),
});
const { packages } = z
  .object({ packages: z.record(z.string(), Locked) })
  .parse(JSON.parse(readFileSync('package-lock.json', 'utf8')));

test('the lock file names no registry host', () => {
  const hosts = Object.entries(packages).filter(([, { resolved }]) => resolved?.startsWith('http'));
  expect(hosts).toEqual([]);
});

// A registry that lacks another platform's binary drops it silently at install, and `npm ci` then refuses everywhere.
test('the lock file holds the binaries of every platform, so that npm ci works on each', () => {
  const binaries = Object.values(packages).flatMap(({ optionalDependencies = {} }) =>
    Object.keys(optionalDependencies),
  );
  const missing = binaries.filter(
    (name) => !Object.keys(packages).some((path) => path.endsWith(`node_modules/${name}`)),
  );
  expect(missing).toEqual([]);
});

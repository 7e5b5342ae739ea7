import { existsSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

const shared = {
  // The transformer reads decorator options per file from the tsconfig that includes it: said here once for every file.
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  // "source" resolves the workspace packages to their TypeScript: no build before tests. The list is exact:
  // adding 'import' or 'default' here breaks the CommonJS packages, because Node's own resolver gets it too.
  ssr: { resolve: { conditions: ['source', 'node'] } },
};

const servers = ['test/support/postgres.global.ts', 'test/support/kafka.global.ts'].filter((file) => existsSync(file));

export default defineConfig({
  test: {
    // Most of the time is waiting: for brokers, for retries, for processes to come back. Two files at a time halve it on two cores.
    maxWorkers: 2,
    projects: [
      {
        ...shared,
        test: {
          name: 'unit',
          globals: true,
          isolate: false,
          // Bounds on waiting, not expectations: a busy machine takes its time.
          testTimeout: 30_000,
          include: ['libs/**/*.spec.ts', 'apps/**/*.spec.ts', 'examples/**/*.spec.ts', 'test/**/*.spec.ts'],
          exclude: ['**/node_modules/**', '**/dist/**'],
        },
      },
      {
        ...shared,
        test: {
          name: 'integration',
          globals: true,
          isolate: false,
          include: ['test/**/*.int-spec.ts', 'libs/**/*.int-spec.ts'],
          exclude: ['**/node_modules/**', '**/dist/**'],
          globalSetup: servers,
          // Real processes on a shared machine: in the pipeline a test that fails is made once more, and the report says so. Without CI=true it fails at once.
          retry: process.env['CI'] ? 1 : 0,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});

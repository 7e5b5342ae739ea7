import { existsSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

const shared = {
  // Spec files are in no project tsconfig, so the transformer is told about legacy decorators here.
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  // "source" resolves the workspace packages to their TypeScript: no build before tests. The list is exact:
  // adding 'import' or 'default' here breaks the CommonJS packages, because Node's own resolver gets it too.
  ssr: { resolve: { conditions: ['source', 'node'] } },
};

const servers = ['test/support/postgres.global.ts', 'test/support/kafka.global.ts'].filter((file) => existsSync(file));

export default defineConfig({
  test: {
    projects: [
      {
        ...shared,
        test: {
          name: 'unit',
          globals: true,
          isolate: false,
          include: ['libs/**/*.spec.ts', 'apps/**/*.spec.ts', 'examples/**/*.spec.ts', 'test/**/*.spec.ts'],
          exclude: ['**/node_modules/**', '**/dist/**', 'test/lint/fixtures/**'],
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
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});

// Runs main.ts from its sources, without a build.
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const root = fileURLToPath(new URL('../..', import.meta.url));
await runnerImport('./test/model/main.ts', { root, configFile: false, logLevel: 'error' });

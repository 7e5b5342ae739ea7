// Runs a TypeScript file from its sources, without a build: node scripts/from-source.mjs test/model/main.ts
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));
await runnerImport(`./${process.argv[2]}`, { root, configFile: false, logLevel: 'error' });

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const root = fileURLToPath(new URL('../..', import.meta.url));
const ours = ['nest-saga', '@samples/contracts'];

/** The apps as files that Node can run, made from their sources as they are now, in a folder within reach of node_modules. */
export interface Bundle {
  main(app: string): string;
  remove(): Promise<void>;
}

export async function bundleApps(apps: readonly string[]): Promise<Bundle> {
  const cache = join(root, '.cache');
  await mkdir(cache, { recursive: true });
  const outDir = await mkdtemp(join(cache, 'e2e-'));
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
    ssr: { noExternal: ours, resolve: { conditions: ['source', 'node'] } },
    build: {
      ssr: true,
      outDir,
      minify: false,
      target: 'node20',
      rolldownOptions: {
        input: Object.fromEntries(apps.map((app) => [app, join(root, 'apps', app, 'src', 'main.ts')])),
        output: { keepNames: true },
      },
    },
  });
  return { main: (app) => join(outDir, `${app}.js`), remove: () => rm(outDir, { recursive: true }) };
}

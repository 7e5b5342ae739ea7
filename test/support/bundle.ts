import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const root = fileURLToPath(new URL('../..', import.meta.url));
const ours = ['nest-saga', '@samples/contracts'];

/** Programs that Node can run, made from their sources as they are now, in a folder within reach of node_modules. */
export interface Bundle {
  /** Where the program of this name is. */
  main(name: string): string;
  remove(): Promise<void>;
}

/**
 * @param sources by name, within the project
 * @param library where `nest-saga` is taken from; the one of this project unless told
 * @param names `minified`: as a user's bundler may leave them, classes are named by a letter or two
 */
export async function bundle(
  sources: Readonly<Record<string, string>>,
  { names = 'kept', library }: { readonly names?: 'kept' | 'minified'; readonly library?: string } = {},
): Promise<Bundle> {
  const cache = join(root, '.cache');
  await mkdir(cache, { recursive: true });
  const outDir = await mkdtemp(join(cache, 'bundle-'));
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
    ssr: { noExternal: ours, resolve: { conditions: ['source', 'node'] } },
    ...(library !== undefined && { resolve: { alias: [{ find: /^nest-saga$/, replacement: library }] } }),
    build: {
      ssr: true,
      outDir,
      minify: names === 'minified',
      target: 'node20',
      rolldownOptions: {
        input: Object.fromEntries(Object.entries(sources).map(([name, source]) => [name, join(root, source)])),
        output: { keepNames: names === 'kept' },
      },
    },
  });
  return { main: (name) => join(outDir, `${name}.js`), remove: () => rm(outDir, { recursive: true }) };
}

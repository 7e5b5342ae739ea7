import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startPostgres } from '../../scripts/services/postgres.js';

// Packs the library, installs the package in an empty application outside this repository, compiles the application and runs it:
// `npm run test:package`. Needs the npm registry, or a cache that has seen the packages.

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'nest-saga-package-'));
const app = join(folder, 'app');

const run = (command: string, options: string[], cwd: string, env: NodeJS.ProcessEnv = {}): string =>
  execFileSync(command, options, {
    cwd,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });

/** From a copy, so that what this checkout has built stays as it is. */
function pack(): string {
  const library = join(folder, 'monorepo/libs/saga');
  cpSync(join(root, 'libs/saga'), library, {
    recursive: true,
    filter: (path) => !/[/\\](dist|node_modules)$/.test(path),
  });
  cpSync(join(root, 'tsconfig.base.json'), join(folder, 'monorepo/tsconfig.base.json'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'monorepo/node_modules'), 'junction');
  const [{ filename, files }] = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', folder], library)) as [
    { filename: string; files: { path: string }[] },
  ];
  check(files.map(({ path }) => path));
  return filename;
}

/** Everything that is needed and nothing else: compiled files with their sources, no specs, no state of the compiler. */
function check(files: readonly string[]): void {
  for (const file of ['package.json', 'README.md', 'LICENSE', 'dist/index.js', 'dist/index.d.ts', 'src/index.ts']) {
    assert(files.includes(file), `${file} is missing in the package`);
  }
  const stray = files.filter((file) => /\.(int-)?spec\.|\.tsbuildinfo$|^tsconfig/.test(file));
  assert.deepEqual(stray, [], 'the package holds files that nobody needs');
  const orphans = files.filter(
    (file) => file.endsWith('.js') && !files.includes(file.replace(/^dist/, 'src').replace(/\.js$/, '.ts')),
  );
  assert.deepEqual(orphans, [], 'compiled files without a source');
}

/** As a new application of Nest has it, plus the package and its peers at the versions that this repository is tested with. */
function install(tarball: string): void {
  const peers = Object.keys(manifest('libs/saga/package.json').peerDependencies ?? {});
  const { dependencies = {}, devDependencies = {} } = manifest('package.json');
  const versions = { ...devDependencies, ...dependencies };
  const wanted = [...peers, 'zod', 'typescript', '@types/node'].map((name) => [name, versions[name]] as const);
  mkdirSync(app);
  write('package.json', {
    name: 'app',
    private: true,
    type: 'module',
    dependencies: { ...Object.fromEntries(wanted), 'nest-saga': `file:../${tarball}` },
  });
  write('tsconfig.json', {
    compilerOptions: {
      module: 'nodenext',
      target: 'es2023',
      strict: true,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
      skipLibCheck: true,
      types: ['node'],
      rootDir: 'src',
      outDir: 'dist',
    },
    include: ['src'],
  });
  cpSync(join(root, 'test/package/consumer'), join(app, 'src'), { recursive: true });
  run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'], app);
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

function manifest(path: string): Manifest {
  return JSON.parse(readFileSync(join(root, path), 'utf8')) as Manifest;
}

function write(file: string, content: object): void {
  writeFileSync(join(app, file), `${JSON.stringify(content, undefined, 2)}\n`);
}

/** Each way in, as an ES module and through `require`; contracts load no Nest. */
function load(): void {
  for (const specifier of ['nest-saga', 'nest-saga/definition', 'nest-saga/testing']) {
    run('node', ['--input-type=module', '-e', `await import('${specifier}')`], app);
    run('node', ['--no-warnings', '--input-type=commonjs', '-e', `require('${specifier}')`], app);
  }
  const nest = readdirSync(join(app, 'node_modules/@nestjs'));
  assert(nest.includes('core'));
  rmSync(join(app, 'node_modules/@nestjs'), { recursive: true });
  run('node', ['--input-type=module', '-e', `await import('nest-saga/definition')`], app);
}

async function runOnPostgres(): Promise<void> {
  const postgres = await startPostgres({ durable: false });
  try {
    const output = run('node', ['dist/main.js'], app, { DATABASE_URL: postgres.url });
    assert.deepEqual(JSON.parse(output.trim().split('\n').at(-1)!), [
      'completed',
      'aborted',
      'large cancelled: over limit',
      'small charged',
    ]);
  } finally {
    await postgres.stop();
  }
}

try {
  const tarball = pack();
  console.log(`packed ${tarball}`);
  install(tarball);
  console.log('installed in an empty application');
  run('node', ['node_modules/typescript/bin/tsc', '-p', '.'], app);
  console.log('the application compiles');
  await runOnPostgres();
  console.log(`it runs under Node ${process.version}: one saga completed, one closed backwards`);
  load();
  console.log('every way in loads, with import and with require');
} finally {
  rmSync(folder, { recursive: true, force: true });
}

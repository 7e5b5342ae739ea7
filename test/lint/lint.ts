import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';

const Report = z.object({
  diagnostics: z.array(z.object({ code: z.string(), filename: z.string(), help: z.string().optional() })),
});

/** The names of the rules that each file breaks, by path, e.g. `{ 'libs/saga/src/flow/x.ts': ['eslint(no-restricted-imports)'] }`. */
export type Findings = Record<string, string[]>;

/** Lints the sources, laid out in an empty folder as in the repository, with the repository's own configuration. */
export function lint(sources: Record<string, string>): Findings {
  const folder = mkdtempSync(join(tmpdir(), 'nest-saga-lint-'));
  try {
    for (const [path, source] of Object.entries(sources)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), source);
    }
    return findingsIn(folder, Object.keys(sources));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function findingsIn(folder: string, paths: string[]): Findings {
  const linter = resolve('node_modules/oxlint/bin/oxlint');
  const options = [
    '--config',
    resolve('.oxlintrc.json'),
    '--disable-nested-config',
    '--type-aware',
    '--format=json',
    '.',
  ];
  const env = { ...process.env, OXLINT_TSGOLINT_PATH: resolve('node_modules/.bin/tsgolint') };
  const run = spawnSync(process.execPath, [linter, ...options], { cwd: folder, env, encoding: 'utf8' });
  if (!run.stdout.startsWith('{')) throw new Error(`The linter did not run: ${run.stdout}${run.stderr}`);
  const { diagnostics } = Report.parse(JSON.parse(run.stdout));
  return Object.fromEntries(
    paths.map((path) => [path, diagnostics.filter(({ filename }) => filename === path).map(({ code }) => code)]),
  );
}

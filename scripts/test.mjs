// Runs every spec with vitest's own report and closes with one line: `N passed, N failed[, N skipped]`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = mkdtempSync(join(tmpdir(), 'nest-saga-test-'));
const outputFile = join(folder, 'report.json');

/** A spec file that cannot even load holds no failed test: it counts as one. */
function failuresOf(file) {
  const failed = file.assertionResults.filter((test) => test.status === 'failed').length;
  return failed === 0 && file.status === 'failed' ? 1 : failed;
}

function readReport() {
  const report = JSON.parse(readFileSync(outputFile, 'utf8'));
  return {
    passed: report.numPassedTests,
    failed: report.testResults.reduce((sum, file) => sum + failuresOf(file), 0),
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

function count(exitCode) {
  try {
    const { passed, failed, skipped } = readReport();
    const ok = exitCode === 0 && passed > 0;
    return { passed, failed: ok ? failed : Math.max(failed, 1), skipped };
  } catch (error) {
    console.error(`The test run left no report: ${error.message}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${outputFile}`];
try {
  const run = spawnSync(process.execPath, [vitest, 'run', ...reporters, ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  const { passed, failed, skipped } = count(run.status);
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  process.exitCode = failed > 0 ? run.status || 1 : 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

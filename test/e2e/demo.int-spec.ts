import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { bundle } from '../support/bundle.js';

const run = promisify(execFile);

describe('npm run demo', () => {
  test('every saga ends as expected, each step is shown, and without a terminal there is no color', async () => {
    const programs = await bundle({ demo: 'scripts/demo.ts' });
    try {
      const { stdout, stderr } = await run(process.execPath, [programs.main('demo')], { timeout: 60_000 });
      expect(stderr).toBe('');
      expect(stdout).not.toContain('\u001b');
      expect(stdout).toMatch(/Prepare the quarterly report +reminder\.scheduled → +notification +completed/);
      expect(stdout).toMatch(/Order chairs for the new office +notification\.failed ✗/);
      expect(stdout).toMatch(/Order chairs for the new office +← user\.unassigned/);
      expect(stdout).toMatch(/Order chairs for the new office +← task\.marked\.failed +task +closed backwards/);
      expect(stdout).toMatch(/Call back Mr\. Ångström +user\.assignment\.failed ✗/);
      expect(stdout).toContain('flowchart LR');
      expect(stdout.trimEnd().split('\n').at(-1)).toBe('Every saga ended as expected.');
    } finally {
      await programs.remove();
    }
  }, 90_000);
});

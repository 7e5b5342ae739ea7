import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { profiled } from '../../bench/measure/profile.js';

test('a profile is written into a directory that is made for it', async () => {
  vi.spyOn(console, 'log').mockReturnValue(undefined);
  const directory = mkdtempSync(join(tmpdir(), 'saga-profile-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'not', 'there', 'yet.cpuprofile');
  expect(await profiled(file, async () => 'work')).toBe('work');
  expect(existsSync(file)).toBe(true);
});

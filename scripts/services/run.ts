import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

export type Finished = { readonly ok: true; readonly output: string } | { readonly ok: false; readonly reason: string };

/** Runs a program to its end. `output` holds all that it wrote, `reason` the end of it. */
export async function finished(program: string, args: string[], timeout = 60_000): Promise<Finished> {
  try {
    const { stdout, stderr } = await run(program, args, { timeout, maxBuffer: 2 ** 24, cwd: '/' });
    return { ok: true, output: stdout + stderr };
  } catch (error) {
    const { message, stdout = '', stderr = '' } = error as Error & { stdout?: string; stderr?: string };
    return { ok: false, reason: `${stdout}${stderr}`.trim().slice(-2_000) || message };
  }
}

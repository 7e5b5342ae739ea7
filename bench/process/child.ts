import 'reflect-metadata';
import { measure } from '../measure/measurement.js';
import { profiled } from '../measure/profile.js';
import { catalog } from '../programs/catalog.js';
import type { Program } from '../programs/program.js';
import type { Answer, Command } from './messages.js';

/** One program in a process of its own, so that programs share neither heap nor compiled code and each one's CPU time is its own. */
let program: Program | undefined;

async function obey(command: Command): Promise<Answer> {
  if (command.type === 'open') {
    program = await catalog[command.program].open(command.at);
    return { type: 'done' };
  }
  const opened = program;
  if (!opened) throw new Error('No program is open.');
  if (command.type === 'close') {
    await opened.close();
    return { type: 'done' };
  }
  const { load, profile } = command;
  const work = () => measure(opened, load);
  return { type: 'measured', measurement: await (profile === undefined ? work() : profiled(profile, work)) };
}

process.on('message', (command: Command) => {
  void obey(command)
    .catch((error: unknown): Answer => ({
      type: 'failed',
      reason: String(error instanceof Error ? error.stack : error),
    }))
    .then((answer) => {
      process.send!(answer, () => {
        if (command.type === 'close') process.disconnect();
      });
    });
});
process.on('disconnect', () => process.exit());

import { fork, type ChildProcess } from 'node:child_process';
import type { Load } from '../measure/load.js';
import type { Measurement } from '../measure/measurement.js';
import { catalog, type ProgramName } from '../programs/catalog.js';
import type { Surroundings } from '../programs/program.js';
import type { Answer, Command } from './messages.js';

/** A program at work in a process of its own. */
export class ProgramProcess {
  private constructor(
    readonly name: ProgramName,
    private readonly child: ChildProcess,
  ) {}

  static async open(name: ProgramName, at: Surroundings): Promise<ProgramProcess> {
    const opened = new ProgramProcess(name, fork(new URL('./child.js', import.meta.url)));
    await opened.ask({ type: 'open', program: name, at });
    return opened;
  }

  async measure(load: Load, profile?: string): Promise<Measurement> {
    const answer = await this.ask({ type: 'measure', load, ...(profile !== undefined && { profile }) });
    if (answer.type !== 'measured') throw new Error(`${catalog[this.name].title} did not measure.`);
    return answer.measurement;
  }

  async close(): Promise<void> {
    if (this.child.exitCode === null) await this.ask({ type: 'close' });
  }

  private ask(command: Command): Promise<Answer> {
    const { child, name } = this;
    const failure = (reason: string): Error => new Error(`${catalog[name].title}, asked to ${command.type}: ${reason}`);
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null): void => reject(failure(`its process ended with code ${code}`));
      child.once('exit', onExit);
      child.once('message', (answer: Answer) => {
        child.off('exit', onExit);
        if (answer.type === 'failed') reject(failure(answer.reason));
        else resolve(answer);
      });
      child.send(command);
    });
  }
}

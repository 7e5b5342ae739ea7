import { setImmediate as turn } from 'node:timers/promises';
import type { StepContext } from '../../../libs/saga/src/flow/bound-step.js';

interface Call {
  readonly key: string;
  readonly attempt: number;
  readonly answer: (result: object) => void;
  readonly fail: (error: Error) => void;
}

/** Something outside that a step calls: it remembers every call and answers when it is told to. */
export class Bank {
  readonly calls: Call[] = [];
  private readonly open: Call[] = [];

  readonly call = (_: object, { idempotencyKey: key, attempt }: StepContext): Promise<object> =>
    new Promise((answer, fail) => {
      const call = { key, attempt, answer, fail };
      this.calls.push(call);
      this.open.push(call);
    });

  get keys(): readonly string[] {
    return this.calls.map(({ key }) => key);
  }

  async answer(result: object): Promise<void> {
    this.open.shift()!.answer(result);
    await turn();
  }

  async fail(error: Error): Promise<void> {
    this.open.shift()!.fail(error);
    await turn();
  }
}

import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { isObservable, lastValueFrom } from 'rxjs';
import { OutcomeUnknown, StepPostponed, StepRejected } from '../protocol/errors.js';

/** Nest's handler of what a method throws: `invokeCustomFilters` answers with nothing when no filter takes it. */
interface Filters {
  readonly filters: readonly unknown[];
  invokeCustomFilters(error: unknown, host: ExecutionContextHost): unknown;
}

/**
 * A call whose errors go through its exception filters. What a filter answers is the answer, and what it throws stands for the error; one that says
 * nothing has handled nothing. A rejection, a postponement and an unknown outcome are words of the step and no errors.
 */
export function filtered<Args extends readonly unknown[]>(
  call: (...args: Args) => Promise<unknown>,
  filters: Filters,
): (...args: Args) => Promise<unknown> {
  if (filters.filters.length === 0) return call;
  return async (...args) => {
    try {
      return await call(...args);
    } catch (error) {
      if (isWord(error)) throw error;
      const host = new ExecutionContextHost([...args]);
      host.setType<string>('saga');
      const answer = await handled(error, () => filters.invokeCustomFilters(error, host));
      if (answer === undefined) throw error;
      return answer;
    }
  };
}

/** A filter that breaks hides no cause. */
async function handled(cause: unknown, filter: () => unknown): Promise<unknown> {
  try {
    const answer = await filter();
    return isObservable(answer) ? await lastValueFrom(answer, { defaultValue: undefined }) : answer;
  } catch (error) {
    if (error instanceof Error && error !== cause && !isWord(error)) error.cause ??= cause;
    throw error;
  }
}

function isWord(error: unknown): boolean {
  return error instanceof StepRejected || error instanceof StepPostponed || error instanceof OutcomeUnknown;
}

import { kindOf, stackOf } from '../protocol/stack.js';
import type { Delivery, Settled } from './delivery.js';
import type { LogLine } from './failure/failure-report.js';
import type { Participant } from './participant.js';

/** The stack of a kind of failure is told again after this, ms: whoever looks at a recent log finds it. */
const tellAgainAfter = 3_600_000;
const mostKinds = 1_000;

/**
 * Writes what the log is told of deliveries, once they are committed. The stack comes with the first failure of its kind, not with each attempt:
 * a kind is the method, the class of the error and the place where it was made.
 */
export class Logbook {
  private readonly told = new Map<string, number>();

  constructor(private readonly ground: Pick<Participant, 'logger' | 'clock'>) {}

  write(delivery: Delivery, settled: Settled): void {
    const { logger } = this.ground;
    if (logger.debug) logger.debug(movedLine(delivery, settled));
    for (const line of settled.lines ?? []) logger[line.level](this.withStack(line));
  }

  private withStack({ line, thrown }: LogLine): string {
    const stack = thrown && this.isNew(`${thrown.by} ${kindOf(thrown.error)}`) ? stackOf(thrown.error) : undefined;
    return stack === undefined ? line : `${line}\n${stack}`;
  }

  private isNew(kind: string): boolean {
    const now = this.ground.clock.now().getTime();
    const since = this.told.get(kind);
    if (since !== undefined && now - since < tellAgainAfter) return false;
    if (this.told.size >= mostKinds) this.told.clear();
    this.told.set(kind, now);
    return true;
  }
}

function movedLine({ bound, happening }: Delivery, { verdict, row, attempt }: Settled): string {
  const what = happening.type === 'signal' ? happening.signal.type : happening.type;
  const next = row.dueIn === undefined ? '' : `, due in ${row.dueIn} ms`;
  return `Step "${bound.node.name}" of saga ${row.sagaId} (${bound.saga.name}), attempt ${attempt ?? row.attempts + 1}: ${what} was ${verdict}, it is ${row.status}${next}`;
}

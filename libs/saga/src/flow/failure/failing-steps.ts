import { isExhausted } from '../../protocol/retry.js';
import type { Clock } from '../../ports/clock.js';
import { fenceKey } from '../../ports/fence-row.js';
import type { Delivery, Settled } from '../delivery.js';

/** A step that does not go on by itself, or not soon. */
export interface TroubledStep {
  readonly saga: string;
  readonly step: string;
  readonly sagaId: string;
  readonly since: Date;
  readonly reason: string;
}

/** A replica may have made the attempt that this process expects: what is not heard of for so long after it was due is forgotten, ms. */
const patience = 60_000;
const most = 100;

/** The steps that this process saw fail after all their attempts, and that are attempted still. */
export class FailingSteps {
  private readonly known = new Map<string, TroubledStep & { readonly until: number }>();

  constructor(private readonly clock: Pick<Clock, 'now'>) {}

  note({ bound }: Delivery, { verdict, row }: Settled): void {
    const key = fenceKey(row);
    const { sagaId, step, dueIn, failingSince: since, lastError: reason = 'unknown' } = row;
    const keepsFailing = verdict === 'retried' && since !== undefined && isExhausted(bound.retry, row.attempts);
    if (!keepsFailing || this.known.size >= most) return void this.known.delete(key);
    const until = this.clock.now().getTime() + (dueIn ?? 0) + patience;
    this.known.set(key, { saga: bound.saga.name, step, sagaId, since, reason, until });
  }

  list(): readonly TroubledStep[] {
    const now = this.clock.now().getTime();
    for (const [key, { until }] of this.known) if (until < now) this.known.delete(key);
    return [...this.known.values()].map(({ until: _until, ...failing }) => failing);
  }
}

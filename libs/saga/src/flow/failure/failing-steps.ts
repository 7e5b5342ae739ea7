import type { Clock } from '../../ports/clock.js';
import { fenceKey } from '../../ports/fence-row.js';
import type { Delivery, Settled } from '../delivery.js';
import type { FlowSettings, Logger } from '../participant.js';

/** A step that does not go on by itself, or not soon. */
export interface TroubledStep {
  readonly saga: string;
  readonly step: string;
  readonly of: 'step' | 'compensation';
  readonly sagaId: string;
  readonly since: Date;
  readonly reason: string;
}

interface Failing extends TroubledStep {
  readonly until: number;
}

interface Ground {
  readonly clock: Pick<Clock, 'now'>;
  readonly logger: Pick<Logger, 'error'>;
  readonly settings: Pick<FlowSettings, 'alertAfter'>;
}

/** A replica may have made the attempt that this process expects: what is not heard of for so long after it was due is forgotten, ms. */
const patience = 60_000;
const most = 100;
/** One method that fails for many sagas is one alert, and another one after this, ms. */
const alertEvery = 600_000;

/**
 * The steps and compensations that this process saw fail, from their first failure until they end or are parked; what is told here is committed. Somebody is told (once,
 * by each process) when one has been failing for longer than `settings.alertAfter`: how often it was attempted says nothing of how long its saga has waited.
 */
export class FailingSteps {
  private readonly known = new Map<string, Failing>();
  private readonly alerted = new Set<string>();
  private readonly toldAt = new Map<string, number>();

  constructor(private readonly ground: Ground) {}

  note({ bound }: Delivery, { verdict, row }: Settled): void {
    if (verdict !== 'handled' && verdict !== 'retried') return; // it changed nothing
    const key = fenceKey(row);
    const { sagaId, step, dueIn, failingSince: since, lastError: reason = 'unknown' } = row;
    if (since === undefined || dueIn === undefined) return this.forget(key);
    if (this.known.size >= most && !this.known.has(key)) return;
    const of = row.status === 'compensating' ? 'compensation' : 'step';
    const until = this.now + dueIn + patience;
    this.known.set(key, { saga: bound.saga.name, step, sagaId, since, reason, of, until });
    this.alertIfLong();
  }

  list(): readonly TroubledStep[] {
    for (const [key, { until }] of this.known) if (until < this.now) this.forget(key);
    return [...this.known.values()].map(({ until: _until, ...failing }) => failing);
  }

  private forget(key: string): void {
    this.known.delete(key);
    this.alerted.delete(key);
  }

  private alertIfLong(): void {
    const late = this.now - this.ground.settings.alertAfter;
    const overdue = [...this.known].filter(([key, { since }]) => since.getTime() <= late && !this.alerted.has(key));
    const methods = new Map<string, (readonly [string, Failing])[]>();
    for (const one of overdue) {
      const [, { saga, step, of }] = one;
      const method = [saga, step, of].join(' ');
      methods.set(method, [...(methods.get(method) ?? []), one]);
    }
    for (const [method, failing] of methods) this.alert(method, failing);
  }

  private alert(method: string, failing: readonly (readonly [string, Failing])[]): void {
    const toldAt = this.toldAt.get(method);
    if (toldAt !== undefined && this.now - toldAt < alertEvery) return;
    this.toldAt.set(method, this.now);
    for (const [key] of failing) this.alerted.add(key);
    const [, { of, step, sagaId, since, reason }] = failing[0]!;
    const what = of === 'step' ? 'Step' : 'The compensation of step';
    const others = failing.length > 1 ? ` (as for ${failing.length - 1} other sagas)` : '';
    this.ground.logger.error(
      `${what} "${step}" of saga ${sagaId} keeps failing since ${since.toISOString()}${others}; it is attempted again: ${reason}`,
    );
  }

  private get now(): number {
    return this.ground.clock.now().getTime();
  }
}

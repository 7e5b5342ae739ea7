import { Injectable, Logger } from '@nestjs/common';
import { CqrsModule, EventBus, type IEventPublisher } from '@nestjs/cqrs';
import { reasonOf } from '../protocol/reason.js';
import { eventType } from '../definition/domain-event.js';
import { inOwnContext } from '../ports/own-context.js';
import type { Envelope } from '../protocol/envelope.js';
import { capture } from './current-step.js';
import { SagaExplorer } from './explorer.js';

/**
 * Both sides of the CQRS event bus. Out: what a step publishes of its own events is its answer. In: saga events are published on the
 * bus after their commit, so ordinary handlers and rxjs sagas see them (best effort: the bus swallows errors, and a crash loses what was not published yet).
 */
@Injectable()
export class EventBusBridge {
  private readonly logger = new Logger('SagaModule');
  private readonly publishers = new WeakSet<IEventPublisher>();
  /** Events that were published outside a step: each starts its sagas once. */
  private readonly told = new WeakSet<object>();
  private mirrored: object | undefined;
  private bus: EventBus | undefined;
  /** Events that wait until the bus has its handlers. */
  private waiting: Envelope[] | undefined;

  constructor(private readonly explorer: SagaExplorer) {}

  /**
   * Takes its place in front of every bus of the application (a second CqrsModule makes a second one). Harmless when repeated: an application
   * may have put a publisher of its own in between.
   *
   * @param startBy told of every event published outside a step
   */
  attach(startBy: (event: object) => void): void {
    const buses = this.explorer.instancesOf<EventBus>(EventBus);
    for (const bus of buses) {
      if (this.publishers.has(bus.publisher)) continue;
      const publisher = this.capturing(bus.publisher, startBy);
      this.publishers.add(publisher);
      bus.publisher = publisher;
    }
    this.bus ??= buses[0];
  }

  /**
   * Loses nothing at the bus's start and end, whatever the order of the modules: events wait until the bus has its handlers, and it keeps
   * them until the service has drained.
   */
  outlive(drain: () => Promise<void>): void {
    const { bus } = this;
    if (!bus) return;
    if (this.explorer.instancesOf(CqrsModule).length > 0) this.waiting ??= [];
    const registerSagas = bus.registerSagas.bind(bus);
    const letGo = bus.onModuleDestroy.bind(bus);
    bus.registerSagas = (sagas) => {
      registerSagas(sagas);
      this.open();
    };
    Object.assign(bus, { onModuleDestroy: () => drain().then(letGo) });
  }

  /** Publishes a committed saga event as an instance of its class; events without a class of the user's are not for the bus. */
  mirror(event: Envelope): void {
    if (!this.bus || !(eventType in event.data)) return;
    if (this.waiting) {
      this.waiting.push(event);
      return;
    }
    this.mirrored = event.data;
    try {
      const { bus } = this;
      const publishing: unknown = inOwnContext(() => bus.publish(event.data) as unknown);
      if (publishing instanceof Promise) publishing.catch((error: unknown) => this.tell(event, error));
    } catch (error) {
      this.tell(event, error);
    } finally {
      this.mirrored = undefined;
    }
  }

  private tell(event: Envelope, error: unknown): void {
    this.logger.warn(`Publishing "${event.type}" of saga ${event.sagaId} on the event bus failed: ${reasonOf(error)}`);
  }

  private open(): void {
    const events = this.waiting ?? [];
    this.waiting = undefined;
    for (const event of events) this.mirror(event);
  }

  private capturing(publisher: IEventPublisher, startBy: (event: object) => void): IEventPublisher {
    const isForBus = (event: object): boolean => {
      if (event === this.mirrored) return true;
      if (capture(event)) return false;
      if (!this.told.has(event)) startBy(event);
      this.told.add(event);
      return true;
    };
    return {
      publish: (event, ...context) => (isForBus(event) ? (publisher.publish(event, ...context) as unknown) : undefined),
      publishAll: (events, ...context) => {
        const rest = events.filter(isForBus);
        if (publisher.publishAll) return publisher.publishAll(rest, ...context) as unknown;
        return rest.map((event) => publisher.publish(event, ...context) as unknown);
      },
    };
  }
}

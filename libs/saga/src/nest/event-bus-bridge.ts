import { Injectable, Logger } from '@nestjs/common';
import { DiscoveryService, ModuleRef } from '@nestjs/core';
import { EventBus, type IEventPublisher } from '@nestjs/cqrs';
import { eventType } from '../definition/domain-event.js';
import type { Envelope } from '../protocol/envelope.js';
import { capture } from './current-step.js';

/**
 * Both sides of the CQRS event bus. Out: what a step publishes of its own events is its answer. In: saga events are published on the
 * bus after their commit, so ordinary handlers and rxjs sagas see them (best effort: the bus swallows errors and loses what comes while it starts or stops).
 */
@Injectable()
export class EventBusBridge {
  private readonly logger = new Logger('SagaModule');
  private readonly bridged = new WeakSet<EventBus>();
  private bus: EventBus | undefined;

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly moduleRef: ModuleRef,
  ) {}

  /**
   * Takes its place in front of every bus of the application (a second CqrsModule makes a second one).
   *
   * @param startBy told of every event published outside a step
   */
  attach(startBy: (event: object) => void): void {
    for (const bus of this.buses()) {
      if (this.bridged.has(bus)) continue;
      this.bridged.add(bus);
      bus.publisher = capturing(bus.publisher, startBy);
    }
    this.bus = this.buses().length > 0 ? this.moduleRef.get(EventBus, { strict: false }) : undefined;
  }

  /** Publishes a committed saga event as an instance of its class; events without a class of the user's are not for the bus. */
  mirror(event: Envelope): void {
    if (!this.bus || !(eventType in event.data)) return;
    try {
      this.bus.publish(event.data);
    } catch (error) {
      this.logger.warn(`Publishing "${event.type}" of saga ${event.sagaId} on the event bus failed: ${String(error)}`);
    }
  }

  private buses(): readonly EventBus[] {
    return this.discovery
      .getProviders()
      .map((wrapper): unknown => wrapper.instance)
      .filter(
        (instance, index, all): instance is EventBus => instance instanceof EventBus && all.indexOf(instance) === index,
      );
  }
}

function capturing(publisher: IEventPublisher, startBy: (event: object) => void): IEventPublisher {
  const passOn: IEventPublisher['publish'] = (event, ...context) => {
    if (capture(event)) return undefined;
    startBy(event);
    return publisher.publish(event, ...context) as unknown;
  };
  return {
    publish: passOn,
    publishAll: (events, ...context) => events.map((event) => passOn(event, ...context) as unknown),
  };
}

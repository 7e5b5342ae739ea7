import {
  Injectable,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { SagaError } from '../protocol/errors.js';
import { EventBusBridge } from './event-bus-bridge.js';
import { SagaRuntime } from './runtime.js';
import { SagaServer } from './saga.server.js';

/**
 * Lives in the module that the application imports, not in a global one: so it starts after the global modules have, and it drains before they
 * and the database are closed.
 */
@Injectable()
export class SagaLifecycle implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy, OnApplicationShutdown {
  private closed = false;

  constructor(
    private readonly runtime: SagaRuntime,
    private readonly server: SagaServer,
    private readonly bridge: EventBusBridge,
  ) {}

  /** @throws SagaError `CLOSED` for an application that was closed before */
  async onModuleInit(): Promise<void> {
    if (this.closed)
      throw new SagaError('CLOSED', 'This application was closed, its sagas with it; make a new one.', {
        retriable: false,
      });
    await this.runtime.prepare();
    this.bridge.outlive(() => this.server.drain());
  }

  async onApplicationBootstrap(): Promise<void> {
    this.runtime.attachToBus();
    await this.server.markReady();
  }

  onModuleDestroy(): Promise<void> {
    return this.server.drain();
  }

  onApplicationShutdown(): Promise<void> {
    this.closed = true;
    return this.runtime.transport.close();
  }
}

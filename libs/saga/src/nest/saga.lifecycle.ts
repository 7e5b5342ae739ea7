import {
  Injectable,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { EventBusBridge } from './event-bus-bridge.js';
import { SagaRuntime } from './runtime.js';
import { SagaServer } from './saga.server.js';

/**
 * Lives in the module that the application imports, not in a global one: so it starts after the global modules have, and it drains before they
 * and the database are closed.
 */
@Injectable()
export class SagaLifecycle implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy, OnApplicationShutdown {
  constructor(
    private readonly runtime: SagaRuntime,
    private readonly server: SagaServer,
    private readonly bridge: EventBusBridge,
  ) {}

  async onModuleInit(): Promise<void> {
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
    return this.runtime.transport.close();
  }
}

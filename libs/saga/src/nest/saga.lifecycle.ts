import {
  Injectable,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { SagaRuntime } from './runtime.js';
import { SagaServer } from './saga.server.js';

/**
 * Lives in the module that the application imports, not in a global one: so it starts after the event bus has its handlers, and it
 * drains before the bus lets go of them and before the database is closed.
 */
@Injectable()
export class SagaLifecycle implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy, OnApplicationShutdown {
  constructor(
    private readonly runtime: SagaRuntime,
    private readonly server: SagaServer,
  ) {}

  onModuleInit(): Promise<void> {
    return this.runtime.prepare();
  }

  onApplicationBootstrap(): Promise<void> {
    return this.server.markReady();
  }

  onModuleDestroy(): Promise<void> {
    return this.server.drain();
  }

  onApplicationShutdown(): Promise<void> {
    return this.runtime.transport.close();
  }
}

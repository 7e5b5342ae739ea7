import type { ModuleMetadata } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { Test, type TestingModule } from '@nestjs/testing';
import { SagaModule, inMemory, type SagaModuleOptions } from 'nest-saga';
import { onTestFinished, vi } from 'vitest';
import { MemoryStore } from 'nest-saga/testing';
import { systemClock } from '../../libs/saga/src/adapters/system/system-clock.js';
import { LogLines } from './log-lines.js';

export interface Service extends ModuleMetadata {
  /** Beside the defaults: service "shop", a transport of its own, rows in memory, retries after 5 ms. */
  readonly saga?: Partial<SagaModuleOptions>;
  /** Default: `CqrsModule.forRoot()`. */
  readonly cqrs?: ModuleMetadata['imports'];
  readonly log?: LogLines;
}

/** The module of a service, compiled and not yet initialized. It is closed when the test ends. */
export async function compiled({ saga, cqrs, imports, log, ...metadata }: Service): Promise<TestingModule> {
  const app = await Test.createTestingModule({
    ...metadata,
    imports: [...(cqrs ?? [CqrsModule.forRoot()]), SagaModule.forRoot(optionsOf(saga)), ...(imports ?? [])],
  })
    .setLogger(log ?? new LogLines())
    .compile();
  onTestFinished(() => app.close());
  return app;
}

/** A service at work. */
export async function started(service: Service): Promise<TestingModule> {
  const app = await compiled(service);
  return app.init();
}

export function optionsOf(given: Partial<SagaModuleOptions> = {}): SagaModuleOptions {
  const store = new MemoryStore(systemClock);
  return {
    service: 'shop',
    transport: inMemory(),
    store: () => store,
    retry: { retries: 3, firstDelay: 5, jitter: 0 },
    ...given,
  };
}

/** Waits until the assertion holds: events travel on their own. */
export function eventually(assertion: () => void | Promise<void>): Promise<void> {
  return vi.waitFor(assertion, { timeout: 20_000, interval: 10 });
}

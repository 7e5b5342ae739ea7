import { Injectable } from '@nestjs/common';
import { Server, type CustomTransportStrategy } from '@nestjs/microservices';
import type { Transport } from '../ports/transport.js';
import { SagaRuntime } from './runtime.js';

/**
 * The service's consumer as a transport strategy: `app.connectMicroservice({ strategy: app.get(SagaServer) })`. Left alone, the module starts it
 * when the application has started. It consumes only after that, in whatever order the application starts its parts.
 */
@Injectable()
export class SagaServer extends Server implements CustomTransportStrategy {
  private ready = false;
  private wanted = false;
  private started: Promise<void> | undefined;
  private drained: Promise<void> | undefined;

  constructor(private readonly runtime: SagaRuntime) {
    super();
  }

  listen(callback: (error?: unknown) => void): void {
    this.wanted = true;
    void this.startAndTell(callback);
  }

  /** The application has started: handlers of the event bus are in place. */
  async markReady(): Promise<void> {
    this.ready = true;
    this.wanted ||= this.runtime.options.consume !== 'manual';
    await this.startWhenReady();
  }

  /** Stops to consume, finishes what is in hand and publishes it. */
  drain(): Promise<void> {
    this.drained ??= this.stop();
    return this.drained;
  }

  async close(): Promise<void> {
    await this.drain();
  }

  on(): void {
    throw new Error('A saga server emits no events of its own; ask its transport for its health.');
  }

  /** The transport behind the port. */
  unwrap<T = Transport>(): T {
    return this.runtime.transport as unknown as T;
  }

  /** Also when it never started, or could not: starts may be in hand. */
  private async stop(): Promise<void> {
    await this.started?.catch(() => undefined);
    await this.runtime.drain();
  }

  private async startAndTell(callback: (error?: unknown) => void): Promise<void> {
    try {
      await this.startWhenReady();
    } catch (error) {
      return callback(error);
    }
    callback();
  }

  private async startWhenReady(): Promise<void> {
    if (!this.ready || !this.wanted) return;
    this.started ??= this.runtime.start();
    await this.started;
  }
}

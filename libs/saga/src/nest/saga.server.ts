import { Injectable, Logger } from '@nestjs/common';
import { Server, type CustomTransportStrategy } from '@nestjs/microservices';
import { reasonOf } from '../protocol/reason.js';
import { sleep } from '../ports/own-context.js';
import type { Transport } from '../ports/transport.js';
import { SagaRuntime } from './runtime.js';

const joinPatienceMs = 2_000;

/**
 * The service's consumer as a transport strategy: `app.connectMicroservice({ strategy: app.get(SagaServer) })`. Left alone, the module starts it
 * when the application has started. It consumes only after that, in whatever order the application starts its parts.
 *
 * The application waits a moment for its consumer groups, so that a wrong setup fails its start; it does not wait for a broker that is away: starts
 * of sagas are accepted meanwhile, and their events wait in the outbox. Only where the database
 * has no tables yet does it wait: the broker alone knows whether they were lost.
 */
@Injectable()
export class SagaServer extends Server implements CustomTransportStrategy {
  private ready = false;
  private wanted = false;
  private started: Promise<void> | undefined;
  private drained: Promise<void> | undefined;
  private readonly log = new Logger('SagaModule');

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
    await this.runtime.look();
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

  /** Also when it never started, or could not: starts may be in hand. What still waits to join its groups is ended by the drain. */
  private async stop(): Promise<void> {
    await this.runtime.drain();
    await this.started?.catch(() => undefined);
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
    if (!this.ready || !this.wanted || this.drained) return; // it may be told to stop while it starts
    this.started ??= this.runtime.start();
    if (await Promise.race([this.started.then(() => true), sleep(joinPatienceMs, { keepsAlive: false })])) return;
    this.log.log(
      'The consumer groups are not joined yet; the application starts meanwhile, and says when it consumes.',
    );
    this.started.catch((error: unknown) => {
      if (!this.drained) this.log.error(`This service hears no saga events, start it again: ${reasonOf(error)}`);
    });
  }
}

import 'reflect-metadata';
import { Logger, Module, type INestApplicationContext, type Provider, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CqrsModule } from '@nestjs/cqrs';
import { TypeOrmModule } from '@nestjs/typeorm';
import {
  inMemory,
  Sagas,
  SagaModule,
  SagaTrackerModule,
  type SagaModuleOptions,
  type TrackedSaga,
  type WireMessage,
} from 'nest-saga';
import { DataSource } from 'typeorm';
import { onTestFinished } from 'vitest';
import { observer, query, until } from '../e2e/rows.js';
import { freshDatabase } from '../support/database.js';
import { LogLines } from '../nest/log-lines.js';
import type { Disturbance } from './disturbances.js';
import { Entry, Journal } from './journal.js';
import { Line } from './line.js';

/** What carries the events of a scenario. */
export type Carrier = Pick<SagaModuleOptions, 'transport' | 'prefix'>;

/** One service of a scenario, as its team writes it. Each also has a `Journal`. */
export interface ServicePlan {
  readonly entities: readonly Type[];
  readonly providers: readonly Provider[];
  /** Imports the tracker too. */
  readonly tracks?: boolean;
  readonly saga?: Pick<SagaModuleOptions, 'retry' | 'settings' | 'circuit'>;
}

/** The services of a scenario, each with a database of its own that outlives it. */
export class Services<Name extends string> {
  readonly published: WireMessage[] = [];
  /** Of all services, over all their lives. */
  readonly log = new LogLines();
  private readonly running = new Map<Name, { readonly app: INestApplicationContext; readonly line: Line }>();
  /** Also those that were killed. */
  private readonly apps: INestApplicationContext[] = [];
  private readonly started = new Set<Name>();
  private readonly disturbed: Promise<void>[] = [];

  private constructor(
    private readonly plans: Readonly<Record<Name, ServicePlan>>,
    private readonly urls: Readonly<Record<Name, string>>,
    private readonly disturbance: Disturbance,
    private readonly carrier: Carrier,
  ) {}

  static async of<Name extends string>(
    plans: Readonly<Record<Name, ServicePlan>>,
    disturbance: Disturbance,
    carrier: Carrier = { transport: inMemory() },
  ): Promise<Services<Name>> {
    const names = Object.keys(plans) as Name[];
    const urls = await Promise.all(names.map(async (name) => [name, await freshDatabase()] as const));
    const services = new Services(plans, Object.fromEntries(urls) as Record<Name, string>, disturbance, carrier);
    onTestFinished(() => services.close());
    return services;
  }

  get names(): readonly Name[] {
    return Object.keys(this.plans) as Name[];
  }

  /** What goes wrong in this manner goes wrong with these services from now on. */
  async start(...names: readonly Name[]): Promise<void> {
    const { transport } = this.carrier;
    const { through = (same) => same, cut = false, strike } = this.disturbance;
    for (const name of names) {
      await this.launch(name, through(transport), new Line(cut, this.published));
      if (!strike) continue;
      const struck = strike(this, name);
      struck.catch(() => undefined); // told by `settled`
      this.disturbed.push(struck);
    }
  }

  /** Again, on the same database, and nothing goes wrong any more. */
  async restart(name: Name): Promise<void> {
    await this.launch(name, this.carrier.transport, new Line(false, this.published));
  }

  /** Nothing that it has in hand is finished: its connections break, what it has not committed is gone, what it has not published stays where it is. */
  async kill(name: Name): Promise<void> {
    const { app, line } = this.running.get(name)!;
    this.running.delete(name);
    const dropped = [line.drop(), app.get(DataSource).destroy()];
    const all = 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND application_name <> $2';
    await query(this.urls[name], all, [new URL(this.urls[name]).pathname.slice(1), observer]);
    await Promise.all(dropped);
  }

  /** Stops all, and what they have in hand is finished. */
  async stop(): Promise<void> {
    for (const { app } of this.running.values()) await app.close();
    this.running.clear();
  }

  /** Of the service that tracks. */
  get sagas(): Sagas {
    return this.get(
      this.names.find((one) => this.plans[one].tracks)!,
      Sagas,
    );
  }

  get<T>(name: Name, type: Type<T>): T {
    return this.running.get(name)!.app.get(type);
  }

  /** Resolves when all that should go wrong has gone wrong. */
  async struck(): Promise<void> {
    await Promise.all(this.disturbed);
  }

  /** Waits until a saga has ended, all that should go wrong has gone wrong, and nothing is left to do in any database. */
  async settled(sagaId: string): Promise<TrackedSaga> {
    await this.struck();
    const tracked = await this.sagas.settled(sagaId, { timeout: 40_000 });
    const left = `SELECT ((SELECT count(*) FROM saga_step WHERE status IN ('running', 'compensating') OR next_attempt_at IS NOT NULL)
                          + (SELECT count(*) FROM saga_outbox))::integer AS size`;
    for (const name of this.started)
      await until(`${name} has nothing left to do`, async () => {
        const [row] = await query<{ size: number }>(this.urls[name], left);
        return row!.size === 0;
      });
    return tracked;
  }

  /** Every event that was ever published, once more, the last first. */
  async publishAllAgain(): Promise<void> {
    const again = this.carrier.transport({ service: 'replay', logger: new Logger() });
    for (const message of [...this.published].toReversed()) await again.publish([message]);
    await again.close();
  }

  query<Row extends object>(name: Name, sql: string, values: unknown[] = []): Promise<Row[]> {
    return query<Row>(this.urls[name], sql, values);
  }

  /** What all services did, in the order in which they did it. */
  async journal(): Promise<readonly string[]> {
    const sql = `SELECT text, to_char(at, 'YYYYMMDDHH24MISSUS') AS at FROM journal ORDER BY id`;
    const entries = await Promise.all(
      [...this.started].map((name) => this.query<{ text: string; at: string }>(name, sql)),
    );
    return entries
      .flat()
      .toSorted((one, other) => one.at.localeCompare(other.at))
      .map(({ text }) => text);
  }

  /** The status of each step of a saga, as the row of its owner says. */
  async fenceRows(sagaId: string): Promise<Readonly<Record<string, string>>> {
    const sql = 'SELECT step, status FROM saga_step WHERE saga_id = $1';
    const rows = await Promise.all(
      [...this.started].map((name) => this.query<{ step: string; status: string }>(name, sql, [sagaId])),
    );
    return Object.fromEntries(rows.flat().map(({ step, status }) => [step, status]));
  }

  private async close(): Promise<void> {
    for (const app of this.apps) await app.close();
  }

  private async launch(name: Name, transport: Carrier['transport'], line: Line): Promise<void> {
    const plan = this.plans[name];
    const entities = [...plan.entities, Entry];
    const saga = {
      service: name,
      retry: { retries: 3 },
      ...this.carrier,
      ...plan.saga,
      transport: line.through(transport),
    };
    @Module({
      imports: [
        CqrsModule.forRoot(),
        TypeOrmModule.forRoot({ type: 'postgres', url: this.urls[name], entities, synchronize: true }),
        TypeOrmModule.forFeature(entities),
        SagaModule.forRoot(saga),
        ...(plan.tracks ? [SagaTrackerModule] : []),
      ],
      providers: [...plan.providers, Journal],
    })
    class Service {}
    const app = await NestFactory.createApplicationContext(Service, { logger: this.log });
    this.apps.push(app);
    this.started.add(name);
    this.running.set(name, { app, line });
  }
}

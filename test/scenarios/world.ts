import type { Provider, Type } from '@nestjs/common';
import type { TestingModule } from '@nestjs/testing';
import { SagaTrackerModule, Sagas, inMemory, type SagaModuleOptions } from 'nest-saga';
import { outliving, throughLine, twiceAndShuffled } from '../e2e/faults.js';
import { query, until } from '../e2e/rows.js';
import { startedOn } from '../nest/database-scene.js';
import { LogLines } from '../nest/log-lines.js';
import { freshDatabase } from '../support/database.js';

type Factory = SagaModuleOptions['transport'];

/** A service as its scenario writes it. */
export interface Part {
  readonly providers: Provider[];
  readonly entities?: readonly Type[];
  readonly saga?: Partial<SagaModuleOptions>;
  /** It imports `SagaTrackerModule`. */
  readonly tracks?: true;
}

/** How events travel while a scenario is played. Its end must be the same in all of these. */
export interface Manner {
  readonly name: string;
  /** Between all services. */
  readonly through: (factory: Factory) => Factory;
  /** Between a service in its first life and all others. */
  readonly atFirst: (factory: Factory) => Factory;
}

const same = (factory: Factory): Factory => factory;

export const inOrder: Manner = { name: 'every event once and in order', through: same, atFirst: same };

export const manners: readonly Manner[] = [
  inOrder,
  {
    name: 'every event twice, late and in reversed order',
    through: (factory) => twiceAndShuffled(outliving(factory)),
    atFirst: same,
  },
  {
    name: 'every service stopped between the commit of its first event and its publication',
    through: same,
    atFirst: throughLine({ cut: true }),
  },
];

/** Services with a database each. */
export class World<Name extends string> {
  readonly databases = {} as Record<Name, string>;
  readonly logs = {} as Record<Name, LogLines>;
  private readonly apps = {} as Record<Name, TestingModule>;
  private readonly transport: Factory;

  private constructor(
    private readonly parts: Readonly<Record<Name, Part>>,
    private readonly manner: Manner,
  ) {
    this.transport = manner.through(inMemory());
  }

  static async start<Name extends string>(
    parts: Readonly<Record<Name, Part>>,
    manner: Manner = inOrder,
  ): Promise<World<Name>> {
    const world = new World(parts, manner);
    for (const name of Object.keys(parts) as Name[]) {
      world.databases[name] = await freshDatabase();
      world.logs[name] = new LogLines();
      await world.begin(name, manner.atFirst(world.transport));
    }
    return world;
  }

  get<T>(name: Name, type: Type<T>): T {
    return this.apps[name].get(type);
  }

  /** Of the service that tracks. */
  get sagas(): Sagas {
    const [name] = (Object.keys(this.parts) as Name[]).filter((one) => this.parts[one].tracks);
    return this.get(name!, Sagas);
  }

  async restart(name: Name): Promise<void> {
    await this.apps[name].close();
    await this.begin(name, this.transport);
  }

  /** The saga passes these services for the first time, in this order. Where services are stopped, each is then. */
  async passes(...names: readonly Name[]): Promise<void> {
    if (this.manner.atFirst === same) return;
    for (const name of names) {
      await until(`${name} has committed an event that is not published`, () => this.hasBacklog(name));
      await this.restart(name);
    }
  }

  async notes(name: Name): Promise<readonly string[]> {
    return (await this.rows<{ text: string }>(name, 'SELECT text FROM note ORDER BY id')).map(({ text }) => text);
  }

  rows<Row extends object>(name: Name, sql: string, values: unknown[] = []): Promise<Row[]> {
    return query<Row>(this.databases[name], sql, values);
  }

  private async hasBacklog(name: Name): Promise<boolean> {
    return (await this.rows(name, 'SELECT 1 FROM saga_outbox')).length > 0;
  }

  private async begin(name: Name, transport: Factory): Promise<void> {
    const { providers, entities, saga, tracks } = this.parts[name];
    this.apps[name] = await startedOn(this.databases[name], {
      providers,
      ...(entities && { entities }),
      imports: tracks ? [SagaTrackerModule] : [],
      saga: { service: name, transport, ...saga },
      log: this.logs[name],
    });
  }
}

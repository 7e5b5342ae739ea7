import { Injectable } from '@nestjs/common';
import type { TestingModule } from '@nestjs/testing';
import { InjectRepository } from '@nestjs/typeorm';
import { Compensates, DomainEvent, SagaStep, Sagas, StepRejected, defineSaga } from 'nest-saga';
import { DataSource, Repository } from 'typeorm';
import {
  addTransactionalDataSource,
  initializeTransactionalContext,
  StorageDriver,
  Transactional,
} from 'typeorm-transactional';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { freshDatabase } from '../support/database.js';
import { Note, startedOn } from './database-scene.js';
import { eventually } from './scene.js';

class Taken extends DomainEvent('seat.taken', z.object({ how: z.string() })) {}
class Paid extends DomainEvent('seat.paid', z.object({ how: z.string() })) {}
const Seats = defineSaga('seats', {
  take: { emits: Taken },
  pay: { after: 'take', kind: 'pivot', emits: Paid },
});

/** Written as its users write: each method is a transaction, or a part of the one that is open. */
@Injectable()
class Notes {
  constructor(@InjectRepository(Note) private readonly notes: Repository<Note>) {}

  @Transactional()
  async put(text: string): Promise<void> {
    await this.notes.save({ text });
  }

  @Transactional()
  async putAndFail(text: string): Promise<void> {
    await this.notes.insert({ text });
    throw new Error('boom');
  }
}

@Injectable()
class SeatSteps {
  constructor(
    private readonly notes: Notes,
    @InjectRepository(Note) private readonly repository: Repository<Note>,
  ) {}

  @SagaStep(Seats.steps.take)
  async take({ how }: { how: string }): Promise<Taken> {
    await this.notes.put(`${how} taken`);
    await this.notes.putAndFail(`${how} lost`).catch(() => undefined);
    await this.repository.insert({ text: `${how} noted` });
    if (how === 'thrown') throw new StepRejected('thrown');
    return new Taken({ how });
  }

  @Compensates(Seats.steps.take)
  async free({ how }: Taken): Promise<void> {
    await this.notes.put(`${how} freed`);
  }

  @SagaStep(Seats.steps.pay)
  async pay({ how }: Taken): Promise<Paid> {
    if (how === 'refused') throw new StepRejected('no money');
    await this.notes.put(`${how} paid`);
    return new Paid({ how });
  }
}

/** A controller of the application, in a transaction of its own. */
@Injectable()
class Requests {
  constructor(
    private readonly sagas: Sagas,
    private readonly notes: Notes,
  ) {}

  @Transactional()
  async startAndFail(): Promise<void> {
    await this.notes.put('of the request');
    await this.sagas.start(Seats, { how: 'inside' });
    throw new Error('the request fails');
  }

  @Transactional()
  async idle(during: () => Promise<void>): Promise<void> {
    await this.notes.put('of another request');
    await during();
    throw new Error('the request fails');
  }
}

/** What `typeorm-transactional` and steps make of each other, with one of its storages. */
export function withTransactional(storageDriver: StorageDriver): void {
  let app: TestingModule;
  const texts = async (): Promise<readonly string[]> =>
    (
      await new DataSource({ type: 'postgres', url }).initialize().then(async (own) => {
        const rows = await own.query<{ text: string }[]>('SELECT text FROM note ORDER BY text');
        await own.destroy();
        return rows;
      })
    ).map(({ text }) => text);
  let url: string;

  beforeAll(() => void initializeTransactionalContext({ storageDriver }));
  beforeEach(async () => {
    url = await freshDatabase();
    app = await startedOn(url, { providers: [SeatSteps, Notes, Requests] });
    addTransactionalDataSource({ name: 'default', dataSource: app.get(DataSource), patch: true });
    return async () => {
      const { deleteDataSourceByName } = await import('typeorm-transactional');
      deleteDataSourceByName('default');
    };
  });

  describe(`steps and typeorm-transactional (${storageDriver})`, () => {
    it('a saga completes: its methods were parts of its steps, and what one of them rolled back is gone', async () => {
      await app.get(Sagas).start(Seats, { how: 'well' });
      await eventually(async () => expect(await texts()).toEqual(['well noted', 'well paid', 'well taken']));
    });

    it('a saga closes backwards', async () => {
      await app.get(Sagas).start(Seats, { how: 'refused' });
      await eventually(async () => expect(await texts()).toEqual(['refused freed', 'refused noted', 'refused taken']));
    });

    it('a step that throws leaves nothing', async () => {
      await app.get(Sagas).start(Seats, { how: 'thrown' });
      expect(await texts()).toEqual([]);
    });

    it('a step is in nobody’s transaction but its own: a request that is rolled back takes no row of a saga along', async () => {
      const started = app.get(Requests).startAndFail();
      const said = await started.catch((error: Error & { code?: string }) => error.code ?? error.message);
      await eventually(async () =>
        expect(await texts()).toEqual(
          said === 'the request fails' ? ['inside noted', 'inside paid', 'inside taken'] : [],
        ),
      );
    });

    it('a saga that goes on while a request has a transaction open writes beside it', async () => {
      const during = async (): Promise<void> => {
        await eventually(async () => expect(await texts()).toEqual(['beside noted', 'beside paid', 'beside taken']));
      };
      await app.get(Sagas).start(Seats, { how: 'beside' });
      await expect(app.get(Requests).idle(during)).rejects.toThrow('the request fails');
      expect(await texts()).toEqual(['beside noted', 'beside paid', 'beside taken']);
    });
  });
}

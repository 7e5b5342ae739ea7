import type { Type } from '@nestjs/common';
import type { TestingModule } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { SagaModuleOptions } from 'nest-saga';
import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';
import { started, type Service } from './scene.js';

/** A row of the service's own. */
@Entity()
export class Note {
  @PrimaryGeneratedColumn({ type: 'integer' }) id!: number;
  @Column({ type: 'text' }) text!: string;
}

/** No store given: rows are where the service's own are. */
const ownDatabase = { store: undefined } as unknown as Partial<SagaModuleOptions>;

/** A service at work whose rows, its own and the library's, are in this database. Repositories of `Note`, and of the service's own entities, can be injected. */
export function startedOn(
  url: string,
  { saga, imports, entities = [], ...service }: Service & { readonly entities?: readonly Type[] },
): Promise<TestingModule> {
  const ofService = [Note, ...entities];
  return started({
    ...service,
    saga: { ...saga, ...ownDatabase },
    imports: [
      TypeOrmModule.forRoot({ type: 'postgres', url, entities: ofService, synchronize: true, retryAttempts: 0 }),
      TypeOrmModule.forFeature(ofService),
      ...(imports ?? []),
    ],
  });
}

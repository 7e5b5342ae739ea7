import type { TestingModule } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { SagaModuleOptions } from 'nest-saga';
import { Column, Entity, PrimaryGeneratedColumn, type DataSourceOptions } from 'typeorm';
import { started, type Service } from './scene.js';

/** A row of the service's own. */
@Entity()
export class Note {
  @PrimaryGeneratedColumn({ type: 'integer' }) id!: number;
  @Column({ type: 'text' }) text!: string;
}

/** No store given: rows are where the service's own are. */
const ownDatabase = { store: undefined } as unknown as Partial<SagaModuleOptions>;

/** A service at work whose rows, its own and the library's, are in this database. Repositories of `Note` can be injected. */
export function startedOn(
  url: string,
  { saga, imports, ...service }: Service,
  client: Partial<Extract<DataSourceOptions, { readonly type: 'postgres' }>> = {},
): Promise<TestingModule> {
  return started({
    ...service,
    saga: { ...saga, ...ownDatabase },
    imports: [
      TypeOrmModule.forRoot({
        type: 'postgres',
        url,
        entities: [Note],
        synchronize: true,
        retryAttempts: 0,
        ...client,
      }),
      TypeOrmModule.forFeature([Note]),
      ...(imports ?? []),
    ],
  });
}

import type { TestingModule } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { SagaModuleOptions } from 'nest-saga';
import { Column, Entity, PrimaryGeneratedColumn, type DataSourceOptions } from 'typeorm';
import { compiled, started, type Service } from './scene.js';

/** A row of the service's own. */
@Entity()
export class Note {
  @PrimaryGeneratedColumn({ type: 'integer' }) id!: number;
  @Column({ type: 'text' }) text!: string;
}

type Client = Partial<Extract<DataSourceOptions, { readonly type: 'postgres' }>>;

/** No store given: rows are where the service's own are. */
const ownDatabase = { store: undefined } as unknown as Partial<SagaModuleOptions>;

/** A service whose rows, its own and the library's, are in this database. Repositories of `Note` can be injected. */
function inDatabase(url: string, { saga, imports, ...service }: Service, client: Client = {}): Service {
  return {
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
  };
}

/** Such a service at work. */
export function startedOn(url: string, service: Service, client?: Client): Promise<TestingModule> {
  return started(inDatabase(url, service, client));
}

/** Such a service, not yet initialized. */
export function compiledOn(url: string, service: Service): Promise<TestingModule> {
  return compiled(inDatabase(url, service));
}

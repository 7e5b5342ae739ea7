import { Module, type INestApplicationContext, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CqrsModule } from '@nestjs/cqrs';
import { TypeOrmModule } from '@nestjs/typeorm';
import { SagaModule, type SagaModuleOptions } from 'nest-saga';
import type { ServiceName } from './program.js';

export interface ServiceParts {
  readonly service: ServiceName;
  readonly url: string;
  readonly row: Type;
  readonly steps: Type;
  readonly options: Omit<SagaModuleOptions, 'service'>;
}

/** One service of the bench as a Nest application: its database (named, as three live in one process), its row, its steps. The tracker is off. */
export function startService({ service, url, row, steps, options }: ServiceParts): Promise<INestApplicationContext> {
  @Module({
    imports: [
      CqrsModule.forRoot(),
      TypeOrmModule.forRoot({ name: service, type: 'postgres', url, entities: [row], synchronize: true }),
      TypeOrmModule.forFeature([row], service),
      SagaModule.forRoot({ ...options, service, dataSource: service }),
    ],
    providers: [steps],
  })
  class ServiceModule {}
  return NestFactory.createApplicationContext(ServiceModule, { logger: ['error', 'warn'] });
}

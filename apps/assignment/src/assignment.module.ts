import { Module, StandardSchemaValidationPipe, type DynamicModule } from '@nestjs/common';
import { APP_PIPE } from '@nestjs/core';
import { CqrsModule } from '@nestjs/cqrs';
import { TypeOrmModule } from '@nestjs/typeorm';
import { SagaModule, type SagaModuleOptions } from 'nest-saga';
import { AssignmentController } from './assignment.controller.js';
import { Assignment } from './assignment.entity.js';
import { AssignmentSteps } from './assignment.steps.js';
import { HealthController } from './health.controller.js';
import { UserController } from './user.controller.js';
import { User } from './user.entity.js';
import { UserSeed } from './user.seed.js';

interface AssignmentModuleOptions extends Pick<SagaModuleOptions, 'service' | 'transport' | 'prefix'> {
  readonly databaseUrl: string;
}

const entities = [User, Assignment];

@Module({})
export class AssignmentModule {
  static forRoot({ databaseUrl, ...saga }: AssignmentModuleOptions): DynamicModule {
    return {
      module: AssignmentModule,
      imports: [
        CqrsModule.forRoot(),
        TypeOrmModule.forRoot({ type: 'postgres', url: databaseUrl, entities, synchronize: true }),
        TypeOrmModule.forFeature(entities),
        // As in the text that the sample follows: three retries, after 1, 2 and 4 s. The library's own defaults outlast a restart.
        // Tasks of a batch lock their users in any order: with one batch at a time they do not wait for each other in a circle.
        SagaModule.forRoot({ ...saga, retry: { retries: 3 }, settings: { lanes: 1 } }),
      ],
      controllers: [UserController, AssignmentController, HealthController],
      providers: [AssignmentSteps, UserSeed, { provide: APP_PIPE, useClass: StandardSchemaValidationPipe }],
    };
  }
}

import { Module, StandardSchemaValidationPipe, type DynamicModule } from '@nestjs/common';
import { APP_PIPE } from '@nestjs/core';
import { CqrsModule } from '@nestjs/cqrs';
import { TypeOrmModule } from '@nestjs/typeorm';
import { SagaModule, SagaTrackerModule, type SagaModuleOptions } from 'nest-saga';
import { HealthController } from './health.controller.js';
import { SagaController } from './saga.controller.js';
import { TaskController } from './task.controller.js';
import { Task } from './task.entity.js';
import { TaskSteps } from './task.steps.js';

interface TaskModuleOptions extends Pick<SagaModuleOptions, 'service' | 'transport' | 'prefix'> {
  readonly databaseUrl: string;
  readonly tracker: boolean;
}

@Module({})
export class TaskModule {
  static forRoot({ databaseUrl, tracker, ...saga }: TaskModuleOptions): DynamicModule {
    return {
      module: TaskModule,
      imports: [
        CqrsModule.forRoot(),
        TypeOrmModule.forRoot({ type: 'postgres', url: databaseUrl, entities: [Task], synchronize: true }),
        TypeOrmModule.forFeature([Task]),
        // As in the text that the sample follows: three retries, after 1, 2 and 4 s. The library's own defaults outlast a restart.
        SagaModule.forRoot({ ...saga, retry: { retries: 3 } }),
        ...(tracker ? [SagaTrackerModule] : []),
      ],
      controllers: [TaskController, ...(tracker ? [SagaController] : []), HealthController],
      providers: [TaskSteps, { provide: APP_PIPE, useClass: StandardSchemaValidationPipe }],
    };
  }
}

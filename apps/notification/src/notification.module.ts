import { Module, type DynamicModule } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { TypeOrmModule } from '@nestjs/typeorm';
import { SagaModule, type SagaModuleOptions } from 'nest-saga';
import { Contact } from './contact.entity.js';
import { ContactSeed } from './contact.seed.js';
import { HealthController } from './health.controller.js';
import { Mailer } from './mailer.js';
import { NotificationController } from './notification.controller.js';
import { Notification } from './notification.entity.js';
import { NotificationLog } from './notification.log.js';
import { NotificationSteps } from './notification.steps.js';
import { Reminder } from './reminder.entity.js';

interface NotificationModuleOptions extends Pick<SagaModuleOptions, 'service' | 'transport' | 'prefix'> {
  readonly databaseUrl: string;
  readonly smtpUrl: string;
}

const entities = [Contact, Notification, Reminder];

@Module({})
export class NotificationModule {
  static forRoot({ databaseUrl, smtpUrl, ...saga }: NotificationModuleOptions): DynamicModule {
    return {
      module: NotificationModule,
      imports: [
        CqrsModule.forRoot(),
        TypeOrmModule.forRoot({ type: 'postgres', url: databaseUrl, entities, synchronize: true }),
        TypeOrmModule.forFeature(entities),
        // As in the text that the sample follows: three retries, after 1, 2 and 4 s. The library's own defaults outlast a restart.
        SagaModule.forRoot({ ...saga, retry: { retries: 3 } }),
      ],
      controllers: [NotificationController, HealthController],
      providers: [
        NotificationSteps,
        NotificationLog,
        ContactSeed,
        { provide: Mailer, useFactory: () => new Mailer(smtpUrl) },
      ],
    };
  }
}

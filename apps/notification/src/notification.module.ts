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
        SagaModule.forRoot(saga),
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

import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { NotificationFailed, NotificationSent, TaskAssignment } from '@samples/contracts';
import { OnSagaEvent, type ClosingData, type ListenerContext } from 'nest-saga';
import type { Repository } from 'typeorm';
import { Notification } from './notification.entity.js';

/** The row that the step itself cannot write, because its method has no transaction: written once the saga knows the outcome. */
@Injectable()
export class NotificationLog {
  constructor(@InjectRepository(Notification) private readonly notifications: Repository<Notification>) {}

  @OnSagaEvent(NotificationSent)
  async sent({ taskId, notificationId }: NotificationSent, { sagaId }: ListenerContext): Promise<void> {
    await this.notifications.insert({ taskId, sagaId, status: 'sent', notificationId });
  }

  @OnSagaEvent(NotificationFailed)
  async refused({ taskId, reason }: NotificationFailed, { sagaId }: ListenerContext): Promise<void> {
    await this.notifications.insert({ taskId, sagaId, status: 'refused', reason });
  }

  /** The library rejected the step: its attempts were used up, or its time. */
  @OnSagaEvent(TaskAssignment.steps.sendNotification.events.defaults.rejected)
  async givenUp({ reason }: ClosingData, { sagaId }: ListenerContext): Promise<void> {
    await this.notifications.insert({ sagaId, status: 'given up', reason });
  }
}

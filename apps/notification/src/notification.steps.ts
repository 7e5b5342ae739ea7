import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import {
  NotificationFailed,
  NotificationSent,
  ReminderScheduled,
  TaskAssignment,
  type UserAssigned,
} from '@samples/contracts';
import { SagaStep, type StepContext } from 'nest-saga';
import { randomUUID } from 'node:crypto';
import type { Repository } from 'typeorm';
import { v5 } from 'uuid';
import { Contact } from './contact.entity.js';
import { Mailer } from './mailer.js';
import { Reminder } from './reminder.entity.js';

const dayMs = 24 * 60 * 60 * 1_000;

@Injectable()
export class NotificationSteps {
  constructor(
    @InjectRepository(Contact) private readonly contacts: Repository<Contact>,
    @InjectRepository(Reminder) private readonly reminders: Repository<Reminder>,
    private readonly mailer: Mailer,
  ) {}

  /**
   * The pivot. It works outside the database, so it runs outside any transaction and writes no row. After a crash or an error it is attempted
   * again with the same key: the mail then has the same Message-ID, by which a mail server can tell that it has it already.
   */
  @SagaStep(TaskAssignment.steps.sendNotification)
  async send({ taskId, userId }: UserAssigned, saga: StepContext): Promise<NotificationSent | NotificationFailed> {
    const contact = await this.contacts.findOneBy({ userId });
    const notificationId = v5(saga.idempotencyKey, v5.URL);
    const answer = await this.mailer.send({
      messageId: `<${notificationId}@notification.example.com>`,
      to: contact?.email ?? `${userId}@example.com`,
      subject: 'You have a new task',
      text: `Task ${taskId} has been assigned to you, ${userId}.`,
    });
    if (answer !== 'sent') return new NotificationFailed({ taskId, reason: answer.undeliverable });
    return new NotificationSent({ taskId, notificationId, channel: 'email' });
  }

  /** After the pivot: there is no way back, so it is repeated until it is done. */
  @SagaStep(TaskAssignment.steps.scheduleReminder)
  async scheduleReminder({ taskId }: NotificationSent, saga: StepContext): Promise<ReminderScheduled> {
    const reminder = { id: randomUUID(), sagaId: saga.sagaId, taskId, remindAt: new Date(Date.now() + dayMs) };
    await this.reminders.insert(reminder);
    return new ReminderScheduled({ taskId, reminderId: reminder.id, remindAt: reminder.remindAt.toISOString() });
  }
}

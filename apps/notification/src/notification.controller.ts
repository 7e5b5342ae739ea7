import { Controller, Get } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { Notification } from './notification.entity.js';
import { Reminder } from './reminder.entity.js';

@Controller()
export class NotificationController {
  constructor(
    @InjectRepository(Notification) private readonly notifications: Repository<Notification>,
    @InjectRepository(Reminder) private readonly reminders: Repository<Reminder>,
  ) {}

  @Get('notifications')
  newestNotifications(): Promise<Notification[]> {
    return this.notifications.find({ order: { createdAt: 'DESC' }, take: 100 });
  }

  @Get('reminders')
  newestReminders(): Promise<Reminder[]> {
    return this.reminders.find({ order: { remindAt: 'DESC' }, take: 100 });
  }
}

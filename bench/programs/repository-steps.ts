import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Compensates, SagaStep, type CompensationContext } from 'nest-saga';
import type { Repository } from 'typeorm';
import { v7 } from 'uuid';
import type { z } from 'zod';
import {
  Assigning,
  NotificationFailed,
  NotificationSent,
  TaskCreated,
  TaskMarkedFailed,
  UserAssigned,
  UserUnassigned,
  type NewTask,
} from './assignment.saga.js';
import { Assignment, Notification, Task } from './business-rows.js';

@Injectable()
export class TaskSteps {
  constructor(@InjectRepository(Task, 'task') private readonly tasks: Repository<Task>) {}

  @SagaStep(Assigning.steps.createTask)
  async create(task: z.output<typeof NewTask>): Promise<TaskCreated> {
    const { taskId, title, assigneeId } = task;
    await this.tasks.insert({ id: taskId, title, assigneeId, state: 'open' });
    return new TaskCreated(task);
  }

  @Compensates(Assigning.steps.createTask)
  async markFailed({ taskId }: TaskCreated, saga: CompensationContext): Promise<TaskMarkedFailed> {
    await this.tasks.update(taskId, { state: 'failed' });
    return new TaskMarkedFailed({ taskId, reason: saga.cause.reason });
  }
}

@Injectable()
export class AssignmentSteps {
  constructor(@InjectRepository(Assignment, 'assignment') private readonly assignments: Repository<Assignment>) {}

  @SagaStep(Assigning.steps.assignUser)
  async assign({ taskId, assigneeId, deliverable }: TaskCreated): Promise<UserAssigned> {
    const assignmentId = v7();
    await this.assignments.insert({ id: assignmentId, taskId, userId: assigneeId });
    return new UserAssigned({ taskId, assignmentId, userId: assigneeId, deliverable });
  }

  @Compensates(Assigning.steps.assignUser)
  async unassign({ taskId, assignmentId }: UserAssigned): Promise<UserUnassigned> {
    await this.assignments.delete(assignmentId);
    return new UserUnassigned({ taskId, assignmentId });
  }
}

@Injectable()
export class NotificationSteps {
  constructor(
    @InjectRepository(Notification, 'notification') private readonly notifications: Repository<Notification>,
  ) {}

  @SagaStep(Assigning.steps.sendNotification)
  async send({ taskId, deliverable }: UserAssigned): Promise<NotificationSent | NotificationFailed> {
    if (!deliverable) return new NotificationFailed({ taskId, reason: 'undeliverable' });
    const notificationId = v7();
    await this.notifications.insert({ id: notificationId, taskId, channel: 'email' });
    return new NotificationSent({ taskId, notificationId, channel: 'email' });
  }
}

import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { NotificationSent, TaskAssignment, TaskCreated, TaskMarkedFailed, type NewTask } from '@samples/contracts';
import { Compensates, OnSagaEvent, SagaStep, type CompensationContext, type StepContext } from 'nest-saga';
import { randomUUID } from 'node:crypto';
import type { Repository } from 'typeorm';
import { Task } from './task.entity.js';

/** The task's own part in the saga: it begins it, and is told how it ended. */
@Injectable()
export class TaskSteps {
  constructor(@InjectRepository(Task) private readonly tasks: Repository<Task>) {}

  @SagaStep(TaskAssignment.steps.createTask)
  async create(request: NewTask, saga: StepContext): Promise<TaskCreated> {
    const taskId = randomUUID();
    await this.tasks.insert({ id: taskId, sagaId: saga.sagaId, ...request });
    return new TaskCreated({ taskId, ...request });
  }

  /** Whatever step said no, the saga closes backwards and ends here. */
  @Compensates(TaskAssignment.steps.createTask)
  async markFailed({ taskId }: TaskCreated, { cause }: CompensationContext): Promise<TaskMarkedFailed> {
    await this.tasks.update(taskId, {
      status: 'assignment_failed',
      failedStep: cause.step,
      failureReason: cause.reason,
    });
    return new TaskMarkedFailed({ taskId, failedStep: cause.step, reason: cause.reason });
  }

  /**
   * A task is assigned when that can no longer be undone: after the pivot. On `UserAssigned` it would be too early: the notification may still
   * be refused, and a listener, which has a consumer group of its own, might then overwrite what the compensation wrote.
   */
  @OnSagaEvent(NotificationSent)
  async markAssigned({ taskId }: NotificationSent): Promise<void> {
    await this.tasks.update(taskId, { status: 'assigned' });
  }
}

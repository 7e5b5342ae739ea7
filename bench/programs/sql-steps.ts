import { Injectable } from '@nestjs/common';
import { Compensates, SagaStep, type CompensationContext, type StepContext } from 'nest-saga';
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

/** The same steps with statements of their own: what is left is the library's price without the ORM's. */
@Injectable()
export class SqlTaskSteps {
  @SagaStep(Assigning.steps.createTask)
  async create(task: z.output<typeof NewTask>, { manager }: StepContext): Promise<TaskCreated> {
    await manager.query(`INSERT INTO task (id, title, "assigneeId", state) VALUES ($1, $2, $3, 'open')`, [
      task.taskId,
      task.title,
      task.assigneeId,
    ]);
    return new TaskCreated(task);
  }

  @Compensates(Assigning.steps.createTask)
  async markFailed({ taskId }: TaskCreated, { manager, cause }: CompensationContext): Promise<TaskMarkedFailed> {
    await manager.query(`UPDATE task SET state = 'failed' WHERE id = $1`, [taskId]);
    return new TaskMarkedFailed({ taskId, reason: cause.reason });
  }
}

@Injectable()
export class SqlAssignmentSteps {
  @SagaStep(Assigning.steps.assignUser)
  async assign({ taskId, assigneeId, deliverable }: TaskCreated, { manager }: StepContext): Promise<UserAssigned> {
    const assignmentId = v7();
    await manager.query(`INSERT INTO assignment (id, "taskId", "userId") VALUES ($1, $2, $3)`, [
      assignmentId,
      taskId,
      assigneeId,
    ]);
    return new UserAssigned({ taskId, assignmentId, userId: assigneeId, deliverable });
  }

  @Compensates(Assigning.steps.assignUser)
  async unassign({ taskId, assignmentId }: UserAssigned, { manager }: CompensationContext): Promise<UserUnassigned> {
    await manager.query(`DELETE FROM assignment WHERE id = $1`, [assignmentId]);
    return new UserUnassigned({ taskId, assignmentId });
  }
}

@Injectable()
export class SqlNotificationSteps {
  @SagaStep(Assigning.steps.sendNotification)
  async send(
    { taskId, deliverable }: UserAssigned,
    { manager }: StepContext,
  ): Promise<NotificationSent | NotificationFailed> {
    if (!deliverable) return new NotificationFailed({ taskId, reason: 'undeliverable' });
    const notificationId = v7();
    await manager.query(`INSERT INTO notification (id, "taskId", channel) VALUES ($1, $2, 'email')`, [
      notificationId,
      taskId,
    ]);
    return new NotificationSent({ taskId, notificationId, channel: 'email' });
  }
}
